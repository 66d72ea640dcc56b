#include "base/elementary.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/require_ieee.hpp"

// Only +, -, *, / and integer operations, none of them fused (-ffp-contract=off,
// cmake/Warnings.cmake), in this very order.

namespace maxdot::base {
namespace {

// ln 2 in two parts: k * kLn2High is exact for |k| < 2^20.
constexpr double kLn2High = 0x1.62e42fefp-1;
constexpr double kLn2Low = 0x1.473de6af278edp-34;
constexpr double kLog2E = 0x1.71547652b82fep+0;

// Adding 1.5 * 2^52 rounds to an integer.
constexpr double kRoundingMagic = 0x1.8p52;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t kFraction = (std::uint64_t{1} << 52) - 1;

// 2^k. Requires -1022 <= k <= 1023.
double power_of_two(std::int64_t k) noexcept {
  return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

// (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2: Taylor's series, what is left out is below 2^-59 of it.
// Pairs, then pairs of pairs: half the latency of Horner's form.
double exp_polynomial(double r) noexcept {
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double a = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
  const double b = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
  const double c =
      (1.0 / 3628800 + r * (1.0 / 39916800)) + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
  return a + r4 * (b + r4 * c);
}

// A number as m * 2^k with sqrt(1/2) <= m < sqrt(2), about. Requires x > 0, finite.
struct Split {
  double m;
  double k;
};
Split split(double x) noexcept {
  std::int64_t k = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    k = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t fraction = bits & kFraction;
  k += static_cast<std::int64_t>(bits >> 52) - 1023;
  const bool upper = fraction > 0x6a09e667f3bccU;  // m > sqrt(2): take half of it
  if (upper) ++k;
  const std::uint64_t exponent = upper ? 1022 : 1023;
  return {std::bit_cast<double>(fraction | (exponent << 52)), static_cast<double>(k)};
}

// ln(1 + f) = f - (f^2/2 - s (f^2/2 + z P(z))), with s = f / (2 + f), z = s^2: from ln(1 + f) = 2
// artanh(s). f is exact and leads, so what the rest loses hardly shows. The series' remainder is
// below 2^-60 for |s| <= 0.1716.
double log_of(const Split& x) noexcept {
  const double f = x.m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double a = (2.0 / 3 + z * (2.0 / 5)) + z2 * (2.0 / 7 + z * (2.0 / 9));
  const double b = (2.0 / 11 + z * (2.0 / 13)) + z2 * (2.0 / 15 + z * (2.0 / 17));
  const double c = 2.0 / 19 + z * (2.0 / 21 + z * (2.0 / 23));
  const double half_square = 0.5 * f * f;
  const double rest = s * (half_square + z * (a + z4 * (b + z4 * c)));
  return x.k * kLn2High - ((half_square - (rest + x.k * kLn2Low)) - f);
}

}  // namespace

double exp(double x) noexcept {
  if (!(x < 709.79)) return std::isnan(x) ? x : kInfinity;  // e^709.783 is the largest
  if (x < -745.2) return 0.0;                               // below half of the smallest denormal
  const double k = (x * kLog2E + kRoundingMagic) - kRoundingMagic;
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  const double rest = (high - r) - low;  // what r lacks
  const double value = 1.0 + (r + (r * r * exp_polynomial(r) + rest));
  // Two factors, of which only the second can leave the range of normal numbers: one rounding.
  const auto exponent = static_cast<std::int64_t>(k);
  const std::int64_t first = exponent < -1000  ? exponent + 200
                             : exponent > 1000 ? exponent - 200
                                               : exponent;
  return value * power_of_two(first) * power_of_two(exponent - first);
}

double log(double x) noexcept {
  if (!(x > 0.0)) return x == 0.0 ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
  return x == kInfinity ? x : log_of(split(x));
}

double log1p(double x) noexcept {
  if (!(x > -1.0)) return x == -1.0 ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
  if (x == kInfinity) return x;
  const double sum = 1.0 + x;
  const double lost = std::fabs(x) < 1.0 ? x - (sum - 1.0) : 1.0 - (sum - x);  // exact
  return log_of(split(sum)) + lost / sum;
}

}  // namespace maxdot::base
