// listed_scan: one query whose filter permits few items. They are scored one by one; nothing is
// screened.
#pragma once

#include <cstddef>
#include <cstdint>

#include "search/scan/rescorer.hpp"
#include "search/scan/row_scratch.hpp"
#include "search/scan/scan_context.hpp"
#include "search/scan/scan_counts.hpp"

namespace maxdot::search {

/// Offers every item that the filter of query `q` permits to `results`. Requires filters. `rows` is
/// for rows on the disk.
template <typename Results>
void scan_listed(const ScanContext& context, std::size_t q, Results* results, RowScratch& rows,
                 ScanCounts& counts) noexcept {
  QueryNote note;  // there is nothing else to go to
  Rescorer<Results> rescorer(context, q, results, &note, rows, counts);
  const auto ignore = [](std::size_t) {};
  context.filters->for_each_permitted(q, [&](std::size_t row) { rescorer.push(0, row, ignore); });
  rescorer.drain(ignore);
}

}  // namespace maxdot::search
