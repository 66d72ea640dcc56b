// e^x and the logarithms against long double, and their bits, which must be these on every CPU.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/elementary.hpp"
#include "base/logistic.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
static_assert(std::numeric_limits<long double>::digits >= 64,
              "long double must be able to judge f64");

/// The error of `got` in units of its own last place.
double error_in_units(double got, long double expected) {
  const double size =
      std::max(std::fabs(static_cast<double>(expected)), std::numeric_limits<double>::min());
  const int exponent = std::ilogb(size);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - expected) /
                             std::ldexp(1.0L, exponent - 52));
}

/// The largest error of `function` over numbers from `low` to `high`, evenly spread.
template <typename Function, typename Truth>
double worst_error(double low, double high, Function function, Truth truth) {
  test::Random random(5);
  double worst = 0.0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = low + (high - low) * 0.5 *
                               (1.0 + static_cast<double>(random.uniform()) +
                                0x1p-30 * static_cast<double>(random.uniform()));
    worst = std::max(worst, error_in_units(function(x), truth(static_cast<long double>(x))));
  }
  return worst;
}

long double true_exp(long double x) { return std::exp(x); }
long double true_log(long double x) { return std::log(x); }
long double true_log1p(long double x) { return std::log1p(x); }

std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

}  // namespace

TEST_CASE("e^x is within a unit in the last place over its whole range") {
  for (const double range : {0x1p-30, 0.3, 1.0, 10.0, 100.0, 709.0}) {
    CAPTURE(range);
    CHECK(worst_error(-range, range, base::exp, true_exp) < 1.0);
  }
  CHECK(worst_error(-745.0, -708.0, base::exp, true_exp) <
        1.0);  // in units of the smallest normal number's
  CHECK(base::exp(0.0) == 1.0);
  CHECK(base::exp(-0.0) == 1.0);
  CHECK(base::exp(0x1p-1074) == 1.0);
  CHECK(bits(base::exp(-kInfinity)) == 0);
  CHECK(base::exp(kInfinity) == kInfinity);
  CHECK(base::exp(709.782712893384) == doctest::Approx(1.7976931348622732e308));
  CHECK(base::exp(709.7828) == kInfinity);
  CHECK(base::exp(1e300) == kInfinity);
  CHECK(base::exp(-745.1) == 0x1p-1074);
  CHECK(base::exp(-745.14) == 0.0);
  CHECK(base::exp(-1e300) == 0.0);
  CHECK(base::exp(-744.0) > base::exp(-745.0));
  CHECK(std::isnan(base::exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("ln x is within a unit in the last place over its whole range, ln(1 + x) within two") {
  CHECK(worst_error(0.5, 2.0, base::log, true_log) < 1.0);
  CHECK(worst_error(0.99, 1.01, base::log, true_log) < 1.0);
  CHECK(worst_error(1.0, 1e6, base::log, true_log) < 1.0);
  for (int exponent = -1073; exponent < 1024; exponent += 16) {
    CAPTURE(exponent);
    const double scale = std::ldexp(1.0, exponent);
    CHECK(worst_error(0.9 * scale, 1.9 * scale, base::log, true_log) < 1.0);
  }
  for (int exponent = -1000; exponent < 1000; exponent += 4) {
    CAPTURE(exponent);
    const double x = std::ldexp(1.2345678901234567, exponent);
    CHECK(error_in_units(base::log1p(x), std::log1p(static_cast<long double>(x))) < 2.0);
  }
  CHECK(worst_error(0.0, 1.0, base::log1p, true_log1p) < 2.0);
  CHECK(worst_error(-0.9, 0.0, base::log1p, true_log1p) < 2.0);
  CHECK(worst_error(0.0, 1e-9, base::log1p, true_log1p) < 2.0);
  CHECK(worst_error(0.0, 1e9, base::log1p, true_log1p) < 2.0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(bits(base::log(1.0)) == 0);
  CHECK(base::log(0.0) == -kInfinity);
  CHECK(base::log(-0.0) == -kInfinity);
  CHECK(base::log(kInfinity) == kInfinity);
  CHECK(std::isnan(base::log(-1.0)));
  CHECK(std::isnan(base::log(-kInfinity)));
  CHECK(std::isnan(base::log(nan)));
  CHECK(base::log1p(0.0) == 0.0);
  CHECK(base::log1p(0x1p-1074) == 0x1p-1074);
  CHECK(base::log1p(-1.0) == -kInfinity);
  CHECK(base::log1p(kInfinity) == kInfinity);
  CHECK(std::isnan(base::log1p(-1.5)));
  CHECK(std::isnan(base::log1p(nan)));
}

TEST_CASE("these bits come from every CPU and every compiler") {
  struct Golden {
    double (*function)(double) noexcept;
    double x;
    double value;
  };
  for (const Golden& golden : {Golden{base::exp, 1.0, 0x1.5bf0a8b14576ap+1},
                               Golden{base::exp, -1.0, 0x1.78b56362cef38p-2},
                               Golden{base::exp, 0x1.999999999999ap-4, 0x1.1aec7b35a00d4p+0},
                               Golden{base::exp, -0x1.7ae147ae147aep-2, 0x1.61a7ee209faffp-1},
                               Golden{base::exp, 10.5, 0x1.1bb7015e84d3bp+15},
                               Golden{base::exp, -30.25, 0x1.4835bd010a41bp-44},
                               Golden{base::exp, 700.0, 0x1.d945df4f8ec8ep+1009},
                               Golden{base::exp, -708.5, 0x0.e6cf6d08897acp-1022},
                               Golden{base::log, 0x1.999999999999ap-4, -0x1.26bb1bbb55515p+1},
                               Golden{base::log, 0x1.000001ad7f29bp+0, 0x1.ad7f2847b6492p-24},
                               Golden{base::log, 3.0, 0x1.193ea7aad030ap+0},
                               Golden{base::log, 0x1.7e43c8800759cp+996, 0x1.5963447f87fb5p+9},
                               Golden{base::log, 0x1p-1070, -0x1.72d57016e7789p+9},
                               Golden{base::log1p, 0x1.12e0be826d695p-30, 0x1.12e0be801f1d9p-30},
                               Golden{base::log1p, 0x1.3333333333333p-2, 0x1.0ca937be1b9dbp-2},
                               Golden{base::log1p, 0x1.dcd65p+29, 0x1.4b927f3304b3bp+4},
                               Golden{base::softplus, -3.0, 0x1.8e070fc0457p-5},
                               Golden{base::softplus, 0x1.47ae147ae147bp-7, 0x1.65752f86558b3p-1},
                               Golden{base::sigmoid, -3.0, 0x1.848343c905446p-5},
                               Golden{base::sigmoid, 0x1.47ae147ae147bp-7, 0x1.0147ad61865a8p-1}}) {
    CAPTURE(golden.x);
    CHECK(bits(golden.function(golden.x)) == bits(golden.value));
  }
}
