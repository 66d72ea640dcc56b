// e^x and logarithms in f64 with the same bits on every CPU and from every compiler. The C
// library's depend on its version and on whether the CPU has fused multiply-adds.
#pragma once

namespace maxdot::base {

/// e^x, error below 1 unit in the last place (0.5 + 2^-53 of a denormal's). e^-inf = 0, overflow
/// gives inf, NaN stays.
double exp(double x) noexcept;

/// ln x, error below 1 unit in the last place, denormals included. ln 0 = -inf, ln inf = inf; NaN
/// for x < 0 and NaN.
double log(double x) noexcept;

/// ln(1 + x), error below 2 units in the last place, also for tiny x. -inf for -1, NaN below it.
double log1p(double x) noexcept;

}  // namespace maxdot::base
