// From float thresholds to the integer limits that the code screens compare with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/kernels.hpp"

namespace maxdot::kernels {
namespace {

// A plain loop over structure-of-arrays terms: vectorised by the compiler with this file's flags. docs/certified-screening.md
// shows that `guard` covers the f32 rounding of every step.
void code_limits(std::size_t count, const CodeQueryTerms& query, const CodeTileTerms& tile,
                        std::int32_t* limits) noexcept {
  const float inverse_scale = 1.0F / tile.scale;
  const float inverse_smallest = 1.0F / tile.smallest_scale;
  const float magnitude = tile.bias < 0.0F ? -tile.bias : tile.bias;
  for (std::size_t q = 0; q < count; ++q) {
    const float error = query.error_factor[q] * tile.error + query.norm_factor[q] * tile.norm;
    const float threshold = query.threshold[q];
    const float size = threshold < 0.0F ? -threshold : threshold;
    const float guard = (size + error + magnitude) * 0x1p-20F;
    const float needed = threshold - error - tile.bias - guard;
    const float limit = needed * query.inverse_scale[q] * (needed > 0.0F ? inverse_scale : inverse_smallest);
    const float most = limit > kMaxCodeLimit ? kMaxCodeLimit : limit;
    limits[q] = limit > -kMaxCodeLimit ? static_cast<std::int32_t>(most) - (limit < 0.0F ? 1 : 0)
                                       : std::numeric_limits<std::int32_t>::min();
  }
}

}  // namespace
}  // namespace maxdot::kernels
