// scan: one thread's share of a search. Screens a range of tiles for a block of queries and keeps each query's best.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/aligned_buffer.hpp"
#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "search/f32_screen.hpp"
#include "search/query_batch.hpp"
#include "search/top_k.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// Up to this many queries share one packed panel. The queries' bytes stay in L2 (256 * 512 B at d = 128), the panel
/// in L1 (origin: bench_search on Zen 4; 128 and 512 are within 2 %).
inline constexpr std::size_t kMaxBlockQueries = 256;

/// Lower bounds of the k-th best key, shared by the threads that scan different tiles for the same query.
class SharedBounds {
 public:
  void reset(std::size_t queries);
  double get(std::size_t q) const noexcept { return bounds_[q].load(std::memory_order_relaxed); }
  void raise(std::size_t q, double bound) noexcept;

 private:
  std::unique_ptr<std::atomic<double>[]> bounds_;
  std::size_t capacity_ = 0;
};

/// Memory of one thread.
struct ScanScratch {
  base::AlignedBuffer<float> panel;
  kernels::TileTerms terms;
  float thresholds[kMaxBlockQueries];
  std::uint64_t masks[kMaxBlockQueries];

  /// Throws Error (out_of_memory).
  void prepare(std::size_t dimension);
};

struct ScanContext {
  const store::ItemStore& items;
  const kernels::KernelTable& kernels;
  const QueryBatch& queries;
  base::Ranking ranking;
  F32Screen screen;
  SharedBounds* shared;  // null when each query is scanned by one task
};

/// Scans tiles [tile_begin, tile_end) for queries [begin, begin + count) and offers every item that may be among the
/// best to best[0 .. count). Requires count <= kMaxBlockQueries.
void scan(const ScanContext& context, std::size_t begin, std::size_t count, std::size_t tile_begin,
          std::size_t tile_end, TopK* best, ScanScratch& scratch) noexcept;

}  // namespace maxdot::search
