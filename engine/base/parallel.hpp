// Threads. The only place that knows OpenMP.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace maxdot::base {

/// Cores that this process may use: its affinity mask cut to the CPU quota of its cgroup and the
/// groups above (v1 and v2), at least 1.
int available_threads() noexcept;

/// `requested` threads, or available_threads() for 0.
int resolve_threads(int requested) noexcept;

namespace detail {
using Task = void (*)(void* context, std::size_t index, int worker) noexcept;
void run(std::size_t count, int threads, Task task, void* context) noexcept;
}  // namespace detail

/// Calls body(index, worker) once for every index in [0, count), on up to `threads` threads,
/// handing indices out in ascending order; worker < threads names the thread, for scratch memory.
/// With one thread no thread is started and no OpenMP is touched, so a forked child can use it.
/// Requires: body does not throw.
template <typename Body>
void parallel_for(std::size_t count, int threads, Body&& body) noexcept {
  using B = std::remove_reference_t<Body>;
  detail::run(
      count, threads,
      [](void* context, std::size_t index, int worker) noexcept {
        (*static_cast<B*>(context))(index, worker);
      },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace maxdot::base
