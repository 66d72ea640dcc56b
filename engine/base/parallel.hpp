// How work is divided among threads, and among how many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>

#include "base/thread_pool.hpp"

namespace maxdot::base {

/// Cores that this process may use: its affinity mask cut to the CPU quota of its cgroup and the
/// groups above (v1 and v2), at least 1.
int available_threads() noexcept;

/// `requested` threads; for 0 this call's share of available_threads(), at least 1: calls that are
/// under way at once divide them evenly. A call alone has all of them, and where there are as many
/// calls as cores nothing is gained by splitting one.
int resolve_threads(int requested) noexcept;

/// Calls body(index, worker) once for every index in [0, count), on up to `threads` threads,
/// handing indices out in ascending order; worker < threads names the thread, for scratch memory.
/// The calling thread is worker 0; the others are of the process's pool (base/thread_pool.hpp).
/// Requires: body does not throw.
template <typename Body>
void parallel_for(std::size_t count, int threads, Body&& body) noexcept {
  using B = std::remove_reference_t<Body>;
  const auto most = static_cast<std::size_t>(std::max(1, threads));
  run_in_pool(
      count, static_cast<int>(std::clamp<std::size_t>(count, 1, most)),
      [](void* context, std::size_t index, int worker) noexcept {
        (*static_cast<B*>(context))(index, worker);
      },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace maxdot::base
