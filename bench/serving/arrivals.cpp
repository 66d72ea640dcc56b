#include "arrivals.hpp"

#include <cmath>
#include <random>

namespace maxdot::load {

std::vector<double> poisson_times(double rate, double seconds, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> times;
  double time = 0;
  for (;;) {
    // In (0, 1]: 53 random bits, as a double holds them. The gaps are exponential.
    const double uniform = (static_cast<double>(random() >> 11U) + 1) * 0x1p-53;
    time -= std::log(uniform) / rate;
    if (time >= seconds) return times;
    times.push_back(time);
  }
}

}  // namespace maxdot::load
