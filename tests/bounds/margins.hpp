// What the tests of margins compare with: the proofs' formulas in long double.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace maxdot::test {

using Real = long double;

inline Real real(double value) { return static_cast<Real>(value); }

/// 2^exponent.
inline Real power(int exponent) { return std::ldexp(Real{1}, exponent); }

/// `got` is `expected` within `tolerance`: the whole margin is there, and little more.
inline void check_near(double got, Real expected, Real tolerance) {
  CAPTURE(got);
  CAPTURE(static_cast<double>(expected));
  CHECK(std::fabs(real(got) - expected) <= tolerance);
}

/// The smallest f32 that is not below `value`.
inline float least_float_from(Real value) {
  float nearest = static_cast<float>(value);
  if (static_cast<Real>(nearest) < value)
    nearest = std::nextafterf(nearest, std::numeric_limits<float>::infinity());
  return nearest;
}

/// `got` is `value`, grown by 2^exponent of itself and then rounded up to f32. So it is no less
/// even where the next f32 lies just above `value`.
inline void check_grown(float got, Real value, int exponent) {
  CAPTURE(got);
  CAPTURE(static_cast<double>(value));
  const Real little = power(exponent) / 64;
  CHECK(got >= least_float_from(value * (1 + power(exponent) - little)));
  CHECK(got <= least_float_from(value * (1 + power(exponent) + little)));
}

}  // namespace maxdot::test
