// code_scan: one task of a search by codes. Reads tiles for a block of queries, and scores what no
// bound rules out.
#pragma once

#include <cstdint>

#include "search/scan/code_scratch.hpp"
#include "search/scan/row_scratch.hpp"
#include "search/scan/scan_context.hpp"
#include "search/scan/scan_counts.hpp"

namespace maxdot::search {

/// Scans the tiles of the task that the pass reads, and offers every item that may be among the
/// best to results[0 .. queries); Pass::select only those with the highest bounds. notes[q] is what
/// there is to tell of query q. `Results` is TopK or RangeList.
/// Requires task.queries <= kMostCodeQueries and memory reserved for the plan. `rows` is for rows
/// on the disk.
template <typename Results>
void scan_codes(const CodeScanContext& context, const Task& task, Results* results,
                QueryNote* notes, CodeScratch& scratch, RowScratch& rows,
                ScanCounts& counts) noexcept;

}  // namespace maxdot::search
