#include "base/parallel.hpp"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/float_environment.hpp"

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

bool read_numbers(const char* path, char* text, int capacity) noexcept {
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  const bool ok = std::fgets(text, capacity, file) != nullptr;
  std::fclose(file);
  return ok;
}

/// CPUs that the cgroup grants, or a huge number. Inside a container the files of its own group are
/// mounted at the root, which is where this looks.
double cgroup_cpus() noexcept {
  constexpr double kUnlimited = 1e9;
  char text[128];
  double quota = 0;
  double period = 0;
  if (read_numbers("/sys/fs/cgroup/cpu.max", text, sizeof(text))) {
    if (std::sscanf(text, "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0) return quota / period;
    return kUnlimited;  // "max"
  }
  if (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof(text)) &&
      std::sscanf(text, "%lf", &quota) == 1 && quota > 0 &&
      read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", text, sizeof(text)) &&
      std::sscanf(text, "%lf", &period) == 1 && period > 0) {
    return quota / period;
  }
  return kUnlimited;
}

}  // namespace

int available_threads() noexcept {
  const double granted = std::ceil(cgroup_cpus());
  const int cores = affinity_threads();
  return std::max(1, granted < cores ? static_cast<int>(granted) : cores);
}

int resolve_threads(int requested) noexcept { return requested > 0 ? requested : available_threads(); }

namespace detail {

void run(std::size_t count, int threads, Task task, void* context) noexcept {
  const auto workers = static_cast<int>(std::min<std::size_t>(count, static_cast<std::size_t>(std::max(1, threads))));
  if (workers <= 1) {
    const FloatEnvironment guard;
    for (std::size_t i = 0; i < count; ++i) task(context, i, 0);
    return;
  }
  std::atomic<std::size_t> next{0};
#pragma omp parallel num_threads(workers)
  {
    const FloatEnvironment guard;
    const int worker = omp_get_thread_num();
    for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < count;
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      task(context, i, worker);
    }
  }
}

}  // namespace detail
}  // namespace maxdot::base
