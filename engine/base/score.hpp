// From a dot64 value to the key that orders results and the score that is reported. The one place
// that knows what the metrics mean.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/require_ieee.hpp"
#include "maxdot/types.hpp"

namespace maxdot::base {

/// How an (index, search) pair ranks.
enum class Ranking : std::uint8_t {
  dot,        ///< key = q·x
  cosine,     ///< key = q·x / (|q|·|x|), 0 if either is zero
  euclidean,  ///< key = -|q - x|^2
};

/// A normalised index ranks by cosine whatever the metric: that is why its three rankings are
/// equal.
constexpr Ranking ranking_of(Metric metric, bool normalized) noexcept {
  if (normalized || metric == Metric::cosine) return Ranking::cosine;
  return metric == Metric::dot ? Ranking::dot : Ranking::euclidean;
}

/// The key: larger is better, ties go to the smaller id. `q_square` and `x_square` are dot64(q,q),
/// dot64(x,x).
inline double ranking_key(Ranking ranking, double dot, double q_square, double x_square) noexcept {
  switch (ranking) {
    case Ranking::dot:
      return dot;
    case Ranking::cosine: {
      const double norms = std::sqrt(q_square) * std::sqrt(x_square);
      return norms > 0.0 ? dot / norms : 0.0;
    }
    case Ranking::euclidean: {
      const double square = (q_square + x_square) - 2.0 * dot;
      return square > 0.0 ? -square : 0.0;
    }
  }
  return 0.0;
}

/// What a result says: the dot product, the cosine, or the distance. A monotone function of the
/// key.
inline double reported_score(Metric metric, bool normalized, double key) noexcept {
  if (metric != Metric::euclidean) return key;
  // On unit vectors |a - b|^2 = 2 - 2 cos(a, b); rounding may carry the cosine a hair above 1.
  const double square = normalized ? 2.0 - 2.0 * key : -key;
  return square > 0.0 ? std::sqrt(square) : 0.0;
}

/// What fills the places of missing results.
inline double worst_score(Metric metric) noexcept {
  const double infinity = std::numeric_limits<double>::infinity();
  return metric == Metric::euclidean ? infinity : -infinity;
}

}  // namespace maxdot::base
