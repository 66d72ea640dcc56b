#include "search/scan/row_scratch.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"

namespace maxdot::search {

void RowScratch::reserve(std::size_t row_bytes) {
  pairs.ensure(kMostRowPairs, "candidates");
  // A scan of rows reads whole tiles.
  rows.ensure(std::max(kRowRunBytes, kernels::kTileItems * row_bytes), "rows from the disk");
}

}  // namespace maxdot::search
