// F32Bound: how far a score that was computed in f32 can lie from the true one. docs/exactness.md
// has the proof.
#pragma once

#include <cstddef>

#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "store/item_store.hpp"

namespace maxdot::bounds {

/// The square of a norm for which the bound holds: 0, or a norm within 2^±40. Beyond that f32
/// arithmetic could overflow or underflow; such queries and indexes are scored in f64 throughout.
/// No embedding model produces them.
inline constexpr double kSmallestScreenedSquare = 0x1p-80;
inline constexpr double kLargestScreenedSquare = 0x1p80;

constexpr bool in_f32_range(double square) noexcept {
  return square == 0.0 || (square >= kSmallestScreenedSquare && square <= kLargestScreenedSquare);
}

class F32Bound {
 public:
  F32Bound(const store::ItemStore& items, base::Ranking ranking) noexcept;

  /// Whether the items' norms lie where f32 arithmetic is safe. If not, every item is scored in
  /// f64.
  bool usable() const noexcept { return usable_; }

  /// Terms of the items of the tile; absent items get zeros. An item whose key reaches a bound
  /// survives the screen with these terms and PreparedQueries::threshold() of that bound.
  void fill(std::size_t tile, kernels::TileTerms& terms) const noexcept;

  /// Both sides of the bound, in the units of PreparedQueries::threshold and ceiling. `scores` are
  /// fl(scaled query·item) * scale of the terms, by at most d + 8 roundings; `query_bias` is the
  /// query's bias. Guarantees, for each item of the tile and any bound: high[i] < threshold(bound)
  /// means key < bound, and low[i] > ceiling(bound) means key > bound. Absent items get an
  /// arbitrary interval. high is what the screen compares: its proof holds. The proof bounds the
  /// distance of the score from the true one, so it holds for low = score - slack too, where the
  /// bias must be too large instead of too small. Requires usable(), a screenable query, and the
  /// terms of fill().
  static void intervals(const kernels::TileTerms& terms, const float* scores, float query_bias,
                        float* low, float* high) noexcept;

 private:
  const store::ItemStore& items_;
  base::Ranking ranking_;
  bool usable_;
  float relative_error_;
};

}  // namespace maxdot::bounds
