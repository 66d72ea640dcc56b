// f32_scan: one task of a search by rows. Screens tiles in f32 for a block of queries, and scores
// what remains.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "bounds/f32_bound.hpp"
#include "kernels/kernels.hpp"
#include "search/scan/row_scratch.hpp"
#include "search/scan/scan_context.hpp"
#include "search/scan/scan_counts.hpp"

namespace maxdot::search {

/// Memory of one thread.
struct F32Scratch {
  base::AlignedBuffer<float> panel;
  kernels::TileTerms terms;
  float thresholds[kMostF32Queries];
  std::uint64_t masks[kMostF32Queries];

  /// Throws Error (out_of_memory).
  void reserve(std::size_t dimension);
};

/// Scans the tiles of the task and offers every item that may be among the best to results[0 ..
/// queries). More than kMostF32Queries are scanned in turn, so that no caller can overrun
/// F32Scratch. `rows` is for rows on the disk. `Results` is TopK or RangeList.
template <typename Results>
void scan_f32(const ScanContext& context, const bounds::F32Bound& bound, const Task& task,
              Results* results, F32Scratch& scratch, RowScratch& rows, ScanCounts& counts) noexcept;

}  // namespace maxdot::search
