// code_scan: one thread's share of a search by codes. Screens tiles for a block of queries, rescores what survives.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "search/code_batch.hpp"
#include "search/code_bound.hpp"
#include "search/filter_batch.hpp"
#include "search/query_batch.hpp"
#include "search/scan_counts.hpp"
#include "search/shared_bounds.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// Most queries of one task. Their codes stay in L2 beside the tile in L1.
inline constexpr std::size_t kMaxCodeQueries = 512;

/// Above every key, and finite so that limits stay numbers: the threshold of a query that is given up.
inline constexpr double kEverythingOut = 1e200;

/// Which tiles of a range a pass reads.
enum class Pass : std::uint8_t { sample, rest, all };

/// An item that its tile's bound let through. It waits until the scan is over, or its list is full.
struct Deferred {
  std::int32_t dot;
  std::uint32_t offset;  ///< of its position from that of the range's first item
};

/// Memory of one thread.
struct CodeScratch {
  base::AlignedBuffer<std::uint8_t> tile;
  base::AlignedBuffer<std::int32_t> dots;
  float thresholds[kMaxCodeQueries];
  double reaches[kMaxCodeQueries];
  double inverse_norms[kMaxCodeQueries];
  std::int32_t limits[kMaxCodeQueries];
  std::uint64_t masks[kMaxCodeQueries];
  base::AlignedBuffer<Deferred> deferred;
  std::uint32_t deferred_counts[kMaxCodeQueries];
  base::AlignedBuffer<float> uppers;
  base::AlignedBuffer<float> largest;

  /// `waiting`: items that may wait for each query. Throws Error (out_of_memory).
  void prepare(std::size_t dimension, std::size_t queries, std::size_t waiting);
  /// Of the items that wait.
  std::size_t waiting_bytes() const noexcept {
    return deferred.size() * sizeof(Deferred) + (uppers.size() + largest.size()) * sizeof(float);
  }
};

struct CodeScanContext {
  const store::ItemStore& items;
  const kernels::KernelTable& kernels;
  const QueryBatch& queries;
  const CodeBatch& codes;
  base::Ranking ranking;
  Codes read;
  /// Thresholds at the start, raised as better ones are known.
  SharedBounds& shared;
  /// Whether other threads may raise the bounds of this task's queries.
  bool several_tasks;
  /// The sample: every tile in so many, starting in the middle, because the tiles of a block descend in scale.
  std::size_t sample_step;
  /// In the sample, a query with more work in vain than this is given up: its results are not right.
  std::size_t most_sample_rejected;
  /// Which items may be returned; null: all.
  const FilterBatch* filters;
  /// Items that wait for each query.
  std::size_t deferred;
};

/// Scans the tiles of [tile_begin, tile_end) that `pass` names for queries [begin, begin + count) and offers every item
/// that may reach its query's threshold to best[0 .. count). rejected[q] grows by query q's work in vain (rescorer.hpp).
/// Requires count <= kMaxCodeQueries. `Results` is TopK or RangeList.
template <typename Results>
void scan_codes(const CodeScanContext& context, Pass pass, std::size_t begin, std::size_t count,
                std::size_t tile_begin, std::size_t tile_end, Results* best, std::uint32_t* rejected,
                CodeScratch& scratch, ScanCounts& counts) noexcept;

}  // namespace maxdot::search
