// From f64 to f32 in a chosen direction: bounds must err on the safe side.
#pragma once

#include <cmath>
#include <limits>

namespace maxdot::base {

/// The largest f32 that is <= value (NaN stays NaN).
inline float round_down(double value) noexcept {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) <= value) return nearest;
  return std::nextafterf(nearest, -std::numeric_limits<float>::infinity());
}

/// The smallest f32 that is >= value (NaN stays NaN).
inline float round_up(double value) noexcept {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) >= value) return nearest;
  return std::nextafterf(nearest, std::numeric_limits<float>::infinity());
}

}  // namespace maxdot::base
