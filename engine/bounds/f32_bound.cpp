#include "bounds/f32_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "store/layout.hpp"

namespace maxdot::bounds {
namespace {

// Keeps the slack above the absolute error of underflowing products (at most d * 2^-149), and is
// far below any norm that matters beside the largest.
constexpr float kSmallestSlackNorm = 0x1p-60F;

// Shrinks |x|^2/2 by 16 units in the last place: more than the roundings of norm, square, and both
// sums.
constexpr float kHalfSquareFactor = -0.5F * (1.0F - 0x1p-20F);

// Turns that into |x|^2/2 enlarged by at least 16 units: (1 - 2^-20) (1 + 2^-19 + 2^-22) > 1 +
// 2^-20.
constexpr float kEnlargedBias = 1.0F + 0x1.2p-19F;

}  // namespace

F32Bound::F32Bound(const store::ItemStore& items, base::Ranking ranking) noexcept
    : items_(items),
      ranking_(ranking),
      usable_(in_f32_range(items.largest_square)),
      // |fl(q·x) - q·x| <= gamma(d + 8) |q| |x| with |q| < 2; 32 more roundings cover the terms'
      // own arithmetic, dot64 and the threshold.
      relative_error_(2.0F * static_cast<float>(items.dimension + 40) * 0x1p-24F * 1.01F) {}

void F32Bound::fill(std::size_t tile, kernels::TileTerms& terms) const noexcept {
  const std::size_t begin = store::first_of_tile(tile);
  const std::size_t count = store::items_in_tile(items_.items, tile);
  float norms[kernels::kTileItems];
  for (std::size_t i = 0; i < count; ++i)
    norms[i] = static_cast<float>(std::sqrt(items_.squares[begin + i]));
  for (std::size_t i = count; i < kernels::kTileItems; ++i) {
    terms.scale[i] = 0.0F;
    terms.bias[i] = 0.0F;
    terms.slack[i] = 0.0F;
  }
  switch (ranking_) {
    case base::Ranking::dot:
      for (std::size_t i = 0; i < count; ++i) {
        terms.scale[i] = 1.0F;
        terms.bias[i] = 0.0F;
        terms.slack[i] = relative_error_ * std::max(norms[i], kSmallestSlackNorm);
      }
      break;
    case base::Ranking::cosine:
      // A norm too small to divide by makes the item survive always; a zero vector's cosine is
      // exactly 0.
      for (std::size_t i = 0; i < count; ++i) {
        const bool zero = items_.squares[begin + i] == 0.0;
        const bool normal = norms[i] >= kSmallestSlackNorm;
        terms.scale[i] = normal ? 1.0F / norms[i] : 0.0F;
        terms.bias[i] = 0.0F;
        terms.slack[i] = normal || zero ? relative_error_ : std::numeric_limits<float>::infinity();
      }
      break;
    case base::Ranking::euclidean:
      for (std::size_t i = 0; i < count; ++i) {
        terms.scale[i] = 1.0F;
        terms.bias[i] = kHalfSquareFactor * norms[i] * norms[i];
        terms.slack[i] = relative_error_ * std::max(norms[i], kSmallestSlackNorm);
      }
      break;
  }
}

void F32Bound::intervals(const kernels::TileTerms& terms, const float* scores, float query_bias,
                         float* low, float* high) noexcept {
  for (std::size_t i = 0; i < kernels::kTileItems; ++i) {
    const float bias = query_bias * terms.bias[i];
    high[i] = scores[i] + (bias + terms.slack[i]);
    low[i] = scores[i] + (bias * kEnlargedBias - terms.slack[i]);
  }
}

}  // namespace maxdot::bounds
