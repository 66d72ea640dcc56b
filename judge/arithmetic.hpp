// The arithmetic of the judge: the definition in docs/exactness.md written a second time, with
// nothing of the engine in it, and sums more precise than that definition.
#pragma once

#include <cstddef>

#include "maxdot/types.hpp"

namespace maxdot::judge {

/// The products summed in f64 in eight lanes, as docs/exactness.md says; of f32 values, or of f64
/// copies of such.
double documented_dot(const float* q, const float* x, std::size_t d) noexcept;
double documented_dot(const double* q, const double* x, std::size_t d) noexcept;

/// A vector's documented_dot with itself, and the square root of that.
struct Length {
  double square = 0.0;
  double norm = 0.0;
};
Length documented_length(const float* row, std::size_t d) noexcept;
Length documented_length(const double* row, std::size_t d) noexcept;

/// The key that orders results (larger is better) of two vectors with this documented_dot.
double documented_key(Metric metric, bool normalize, double dot, const Length& q,
                      const Length& x) noexcept;
/// What a result with this key reports.
double documented_score(Metric metric, bool normalize, double key) noexcept;

/// A key from sums in long double, and how far rounding can part the documented key from it:
/// docs/verify.md has the proof.
struct PreciseKey {
  long double key = 0.0L;
  long double allowed = 0.0L;

  /// Whether `documented` can be the documented key of the same pair.
  bool confirms(double documented) const noexcept;
};
PreciseKey precise_key(const float* q, const float* x, std::size_t d, Metric metric,
                       bool normalize) noexcept;

}  // namespace maxdot::judge
