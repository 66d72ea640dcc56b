#include "judge/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace maxdot::judge {
namespace {

static_assert(std::numeric_limits<long double>::digits >= 64,
              "a second opinion must be more precise than f64");

constexpr std::size_t kLanes = 8;
constexpr long double kUnit = 0x1p-53L;  // the relative error of one rounding to f64

template <typename T>
double lanes(const T* q, const T* x, std::size_t d) noexcept {
  double lane[kLanes] = {};
  std::size_t j = 0;
  for (; j + kLanes <= d; j += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l)
      lane[l] += static_cast<double>(q[j + l]) * static_cast<double>(x[j + l]);
  }
  for (; j < d; ++j) lane[j % kLanes] += static_cast<double>(q[j]) * static_cast<double>(x[j]);
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

template <typename T>
Length length(const T* row, std::size_t d) noexcept {
  const double square = lanes(row, row, d);
  return {square, std::sqrt(square)};
}

bool by_cosine(Metric metric, bool normalize) noexcept {
  return normalize || metric == Metric::cosine;
}

}  // namespace

double documented_dot(const float* q, const float* x, std::size_t d) noexcept {
  return lanes(q, x, d);
}
double documented_dot(const double* q, const double* x, std::size_t d) noexcept {
  return lanes(q, x, d);
}

Length documented_length(const float* row, std::size_t d) noexcept { return length(row, d); }
Length documented_length(const double* row, std::size_t d) noexcept { return length(row, d); }

double documented_key(Metric metric, bool normalize, double dot, const Length& q,
                      const Length& x) noexcept {
  if (by_cosine(metric, normalize)) {
    const double norms = q.norm * x.norm;
    return norms > 0.0 ? dot / norms : 0.0;
  }
  if (metric == Metric::dot) return dot;
  const double square = (q.square + x.square) - 2.0 * dot;
  return square > 0.0 ? -square : 0.0;
}

double documented_score(Metric metric, bool normalize, double key) noexcept {
  if (metric != Metric::euclidean) return key;
  const double square = normalize ? 2.0 - 2.0 * key : -key;
  return square > 0.0 ? std::sqrt(square) : 0.0;
}

PreciseKey precise_key(const float* q, const float* x, std::size_t d, Metric metric,
                       bool normalize) noexcept {
  long double dot = 0.0L;
  long double sizes = 0.0L;
  long double q_square = 0.0L;
  long double x_square = 0.0L;
  for (std::size_t j = 0; j < d; ++j) {
    const auto a = static_cast<long double>(q[j]);
    const auto b = static_cast<long double>(x[j]);
    dot += a * b;  // the product is exact
    sizes += std::fabs(a * b);
    q_square += a * a;
    x_square += b * b;
  }
  // Roundings on the way of one product in the documented order: its lane's other products, three
  // to join the lanes. One more for what is of second order, and the sums above with their 2^-64
  // each.
  const auto dimension = static_cast<long double>(d);
  const long double sum = (dimension / 8.0L + 4.0L + dimension / 1024.0L) * kUnit;
  if (by_cosine(metric, normalize)) {
    const long double norms = std::sqrt(q_square) * std::sqrt(x_square);
    if (!(norms > 0.0L)) return {};
    return {dot / norms, (2.0L * sum + 6.0L * kUnit) * (sizes / norms)};
  }
  if (metric == Metric::dot) return {dot, sum * sizes};
  const long double square = (q_square + x_square) - 2.0L * dot;
  return {-std::max(0.0L, square), (sum + 3.0L * kUnit) * (q_square + x_square + 2.0L * sizes)};
}

bool PreciseKey::confirms(double documented) const noexcept {
  return std::fabs(static_cast<long double>(documented) - key) <= allowed;  // false for NaN
}

}  // namespace maxdot::judge
