#include "base/result_memory.hpp"

#include <algorithm>

#include "base/cgroup.hpp"

namespace maxdot::base {
namespace {

// Larger than any memory, and half of what 64 bits hold.
constexpr double kEverything = 9.2e18;

}  // namespace

double allowed_bytes(std::uint64_t most) noexcept {
  return most != 0 ? static_cast<double>(most) : free_bytes({});
}

ResultBudget::ResultBudget(std::uint64_t most, Stop& stop) noexcept
    : stop_(stop), most_(most != 0 ? most : kUnaskedBytes), known_(most != 0) {}

bool ResultBudget::take(std::uint64_t bytes) noexcept {
  const std::uint64_t taken = taken_.fetch_add(bytes) + bytes;
  if (taken <= most_.load()) return true;
  if (!known_.load()) {
    // Threads that ask at the same time set nearly the same.
    const double all = std::min(free_bytes({}) + static_cast<double>(taken - bytes), kEverything);
    most_.store(std::max(kUnaskedBytes, static_cast<std::uint64_t>(all)));
    known_.store(true);
    if (taken <= most_.load()) return true;
  }
  taken_.fetch_sub(bytes);
  exceeded_.store(true);
  stop_.cancel();
  return false;
}

}  // namespace maxdot::base
