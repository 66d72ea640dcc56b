#include "search/scan/code_scratch.hpp"

#include "store/layout.hpp"

namespace maxdot::search {

void CodeScratch::reserve(std::size_t dimension, const Capacity& capacity) {
  deferred.ensure(capacity.all_deferred, "deferred items");
  largest.ensure(2 * capacity.deferred, "deferred items");
  tile.ensure(store::expanded_tile_bytes(dimension), "a tile of codes");
  products.ensure(kMostCodeQueries * kernels::kTileItems, "products of codes");
}

std::size_t CodeScratch::bytes() const noexcept {
  return tile.size() + products.size() * sizeof(std::int32_t) +
         deferred.size() * sizeof(DeferredItem) + largest.size() * sizeof(float);
}

}  // namespace maxdot::search
