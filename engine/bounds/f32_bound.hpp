// The f32 screen's bound: what a tile's TileTerms must be so that an item whose true key reaches the bound is never
// dropped. docs/exactness.md has the proof.
#pragma once

#include <cstddef>

#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "store/item_store.hpp"

namespace maxdot::bounds {

class F32Bound {
 public:
  F32Bound(const store::ItemStore& items, base::Ranking ranking) noexcept;

  /// Whether the items' norms lie where f32 arithmetic is safe. If not, every item is scored in f64.
  bool usable() const noexcept { return usable_; }

  /// Terms of the items [tile * 64, ...) of the tile; absent items get zeros.
  void fill(std::size_t tile, kernels::TileTerms& terms) const noexcept;

 private:
  const store::ItemStore& items_;
  base::Ranking ranking_;
  bool usable_;
  float relative_error_;
};

}  // namespace maxdot::bounds
