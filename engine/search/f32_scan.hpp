// f32_scan: one thread's share of a search by f32. Screens a range of tiles for a block of queries and keeps each query's
// best.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "search/f32_screen.hpp"
#include "search/filter_batch.hpp"
#include "search/query_batch.hpp"
#include "search/scan_counts.hpp"
#include "search/shared_bounds.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// Up to this many queries share one packed panel; more are scanned in turn, so that no caller can overrun F32Scratch. The queries' bytes stay in L2 (256 * 512 B at d = 128), the panel
/// in L1 (measured once, on Zen 4: 128 and 512 were within 2 %).
inline constexpr std::size_t kMaxBlockQueries = 256;

/// Memory of one thread.
struct F32Scratch {
  base::AlignedBuffer<float> panel;
  kernels::TileTerms terms;
  float thresholds[kMaxBlockQueries];
  std::uint64_t masks[kMaxBlockQueries];

  /// Throws Error (out_of_memory).
  void prepare(std::size_t dimension);
};

struct F32ScanContext {
  const store::ItemStore& items;
  const kernels::KernelTable& kernels;
  const QueryBatch& queries;
  base::Ranking ranking;
  F32Screen screen;
  SharedBounds* shared;  // null when each query is scanned by one task
  const FilterBatch* filters;  // which items may be returned; null: all
};

/// Scans tiles [tile_begin, tile_end) for queries [begin, begin + count) and offers every item that may be among the
/// best to best[0 .. count), kMaxBlockQueries of them at a time. `Results` is TopK or RangeList.
template <typename Results>
void scan_f32(const F32ScanContext& context, std::size_t begin, std::size_t count, std::size_t tile_begin,
              std::size_t tile_end, Results* best, F32Scratch& scratch, ScanCounts& counts) noexcept;

}  // namespace maxdot::search
