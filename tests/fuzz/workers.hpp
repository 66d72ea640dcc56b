// Workers: processes that run cases, so that a case that crashes is one more failure and not the
// end.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace fuzz {

struct Run {
  std::uint64_t seed = 1;
  std::uint64_t cases;            ///< at most so many
  std::optional<double> seconds;  ///< begin none later than this
  int jobs = 1;
  bool progress = false;  ///< one line on the terminal
};

struct Outcome {
  std::uint64_t cases = 0;
  std::uint64_t failures = 0;
};

/// Seed of a run's case.
std::uint64_t case_seed(std::uint64_t run_seed, std::uint64_t number) noexcept;

/// Runs cases until there are enough, or too many failures. Each failure is printed with the way to
/// repeat it.
Outcome run_workers(const Run& run);

/// Runs one case in this process; false if it fails, which is printed.
bool run_one(std::uint64_t seed);

}  // namespace fuzz
