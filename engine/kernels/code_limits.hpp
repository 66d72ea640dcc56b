// From float thresholds to the integer limits that the code screens compare with.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace maxdot::kernels {
namespace {

// Far above the rounding of denormal terms times any query that is screened (norms up to 2^40), far
// below any score that an embedding has.
constexpr float kTiny = 0x1p-100F;

// A plain loop over structure-of-arrays terms: vectorised by the compiler with this file's flags.
// docs/certified-screening.md shows that `guard` covers the f32 rounding of every step.
void code_limits(std::size_t count, const CodeQueryTerms& query, const CodeTileTerms& tile,
                 std::int32_t* limits) noexcept {
  // A larger scale only lowers a positive limit: a denormal one must not become an infinity that
  // nothing reaches.
  const float inverse_scale = 1.0F / (tile.scale > kTiny ? tile.scale : kTiny);
  const float inverse_smallest = 1.0F / tile.smallest_scale;
  const float magnitude = std::fabs(tile.bias);
  for (std::size_t q = 0; q < count; ++q) {
    const float error = query.error_factor[q] * tile.error + query.norm_factor[q] * tile.norm;
    const float threshold = query.threshold[q];
    const float guard = (std::fabs(threshold) + error + magnitude) * 0x1p-20F + kTiny;
    const float needed = threshold - error - tile.bias - guard;
    const float limit =
        needed * query.inverse_scale[q] * (needed > 0.0F ? inverse_scale : inverse_smallest);
    // What is no number lets everything through. Truncation and minus one: at or below the floor.
    const float most = limit < kMaxCodeLimit ? limit : kMaxCodeLimit;
    const float least = limit > -kMaxCodeLimit ? most : -kMaxCodeLimit;
    limits[q] = static_cast<std::int32_t>(least) - 1;
  }
}

}  // namespace
}  // namespace maxdot::kernels
