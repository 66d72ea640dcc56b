// The logistic function and its logarithm in forms that neither overflow nor cancel.
#pragma once

#include <cmath>

#include "base/elementary.hpp"

namespace maxdot::base {

/// ln(1 + e^x) = -ln σ(-x). Finite for every finite x; relative error a few 2^-53.
inline double softplus(double x) noexcept {
  return (x > 0.0 ? x : 0.0) + log1p(exp(-std::fabs(x)));
}

/// σ(x) = 1 / (1 + e^-x). Small values keep their relative accuracy; 1 - σ(x) is sigmoid(-x).
inline double sigmoid(double x) noexcept {
  const double small = exp(-std::fabs(x));
  return (x >= 0.0 ? 1.0 : small) / (1.0 + small);
}

}  // namespace maxdot::base
