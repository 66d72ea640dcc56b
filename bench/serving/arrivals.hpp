// When the requests of an open loop are due.
#pragma once

#include <cstdint>
#include <vector>

namespace maxdot::load {

/// The times [seconds] of a Poisson process of `rate` events a second, before `seconds`, rising.
/// The same seed gives the same times. Requires rate > 0.
std::vector<double> poisson_times(double rate, double seconds, std::uint64_t seed);

}  // namespace maxdot::load
