#include "base/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>

#include "base/calls.hpp"
#include "base/cgroup.hpp"

namespace maxdot::base {
namespace {

int affinity_threads() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return count;
  }
  const unsigned hardware = std::thread::hardware_concurrency();
  return hardware == 0 ? 1 : static_cast<int>(hardware);
}

/// cgroup_cpus, read at most once a second: its files cost more than a small search, and a limit
/// that is changed while the process runs should still be noticed.
double granted_cpus() noexcept {
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  static std::atomic<std::int64_t> read_at{kNever};
  static std::atomic<double> cpus{0.0};
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::steady_clock::now().time_since_epoch())
                       .count();
  const std::int64_t last = read_at.load(std::memory_order_acquire);
  if (last == kNever || now - last > 1'000'000'000) {
    cpus.store(cgroup_cpus({}), std::memory_order_relaxed);
    read_at.store(now, std::memory_order_release);
  }
  return cpus.load(std::memory_order_relaxed);
}

}  // namespace

int available_threads() noexcept {
  const double granted = std::ceil(granted_cpus());
  const int cores = affinity_threads();
  return std::max(1, granted < cores ? static_cast<int>(granted) : cores);
}

int resolve_threads(int requested) noexcept {
  if (requested > 0) return requested;
  return std::max(1, available_threads() / std::max(1, calls_under_way()));
}

}  // namespace maxdot::base
