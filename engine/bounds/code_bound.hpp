// CodeBound: from an integer product of codes to a proven upper bound of an item's score.
// docs/certified-screening.md has the proof. Scores here are in the units of
// PreparedQueries::reach.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/score.hpp"
#include "bounds/query_codes.hpp"
#include "kernels/kernels.hpp"
#include "store/item_store.hpp"
#include "store/layout.hpp"

namespace maxdot::bounds {

class CodeBound {
 public:
  CodeBound(const store::ItemStore& items, const QueryCodes& queries, base::Ranking ranking,
            Codes codes) noexcept
      : items_(items), queries_(queries), ranking_(ranking), codes_(codes) {}

  /// The largest terms of a tile's items: what no item of it exceeds.
  kernels::CodeTileTerms tile(std::size_t tile) const noexcept {
    const store::TileSummary& most = items_.tiles[tile];
    if (ranking_ == base::Ranking::cosine) {
      return {
          most.unit_scale, most.unit_scale * most.least_scale,
          codes_ == Codes::coarse ? most.unit_coarse_error : grown(ratio(tile) * most.unit_scale),
          1.0F, 0.0F};
    }
    const float bias =
        ranking_ == base::Ranking::euclidean ? -0.5F * (1.0F - 0x1p-20F) * most.min_square : 0.0F;
    return {most.scale, most.scale * most.least_scale,
            codes_ == Codes::coarse ? most.coarse_error : grown(ratio(tile) * most.scale),
            most.norm, bias};
  }

  /// At least the true score of the item at `position` for query `q`, whose fine codes have the
  /// product `dot`.
  double upper(std::size_t q, std::size_t position, std::int32_t dot) const noexcept {
    const double scale = static_cast<double>(items_.terms[position].scale);
    const double error =
        static_cast<double>(items_.tiles[store::tile_of(position)].error_ratio) * scale;
    const double norm = static_cast<double>(items_.terms[position].norm);
    const double center = queries_.scale(q) * scale * static_cast<double>(dot);
    const double spread = queries_.error_factor(q) * error;
    const double rest = queries_.norm_factor(q);
    if (ranking_ == base::Ranking::cosine) {
      if (norm == 0.0) return rest;  // a zero item: its score is 0
      // The rounding of a denormal norm is not relative: nothing is said of such an item.
      if (norm < kLeastNorm) return std::numeric_limits<double>::infinity();
      const double inverse =
          1.0 / norm;  // one division for both sums; the margin covers the rounding
      return with_margin((center + spread) * inverse + rest,
                         (std::fabs(center) + spread) * inverse + rest);
    }
    const double bias = ranking_ == base::Ranking::euclidean ? 0.5 * norm * norm : 0.0;
    return with_margin(center + spread + rest * norm - bias,
                       std::fabs(center) + spread + rest * norm + bias);
  }

  /// At least the true score of every item of the tile whose terms these are that has the product
  /// `dot`, of the codes that are read. Reads no memory.
  float upper_in(const kernels::CodeTileTerms& tile, std::size_t q,
                 std::int32_t dot) const noexcept {
    const double scale = static_cast<double>(dot >= 0 ? tile.scale : tile.smallest_scale);
    const double center = queries_.scale(q) * scale * static_cast<double>(dot);
    const double error = queries_.error_factor(q) * static_cast<double>(tile.error) +
                         queries_.norm_factor(q) * static_cast<double>(tile.norm);
    const double bias = static_cast<double>(tile.bias);
    // The margin is far more than the rounding to f32.
    return static_cast<float>(center + error + bias +
                              0x1p-20 * (std::fabs(center) + error + std::fabs(bias)) + kTiny);
  }

 private:
  float ratio(std::size_t tile) const noexcept {
    if (codes_ == Codes::five) return items_.narrow_ratios[tile].five;
    return codes_ == Codes::six ? items_.narrow_ratios[tile].six : items_.tiles[tile].error_ratio;
  }
  // One rounding of a product of two upper bounds.
  static float grown(float value) noexcept { return value * (1.0F + 0x1p-20F); }
  // The rounding of a normal norm to f32, at most 2^-24 of it and twice that of its square, and of
  // the few f64 steps.
  static double with_margin(double bound, double size) noexcept {
    return bound + 0x1p-22 * size + kTiny;
  }
  // Terms may be denormal, whose rounding is not relative (kernels/code_limits.hpp).
  static constexpr double kTiny = 0x1p-100;
  static constexpr double kLeastNorm = static_cast<double>(std::numeric_limits<float>::min());

  const store::ItemStore& items_;
  const QueryCodes& queries_;
  base::Ranking ranking_;
  Codes codes_;
};

}  // namespace maxdot::bounds
