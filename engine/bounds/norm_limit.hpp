// The bound by norms alone: |q·x| <= |q| |x|. docs/certified-screening.md, claim 3, has the proof.
#pragma once

#include <cmath>

namespace maxdot::bounds {

/// At most 1 / |q|, of a query whose dot64(q, q) is given; 0 for the zero query. It is 2^-30 too
/// small, more than the roundings of dot64, of both norms and of the product.
inline double inverse_norm_below(double square) noexcept {
  return square > 0.0 ? (1.0 - 0x1p-30) / std::sqrt(square) : 0.0;
}

/// No item of a smaller norm has a dot product that reaches `reach`. `inverse_norm` is
/// inverse_norm_below of the query.
inline double least_norm(double reach, double inverse_norm) noexcept {
  return reach > 0.0 ? reach * inverse_norm : 0.0;
}

}  // namespace maxdot::bounds
