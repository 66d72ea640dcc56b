// The threads of the process: one pool, which the calls of all threads share.
#pragma once

#include <cstddef>

namespace maxdot::base {

/// Calls task(context, index, worker) once for every index in [0, count), handing indices out in
/// ascending order; worker < workers names the thread, and the caller is worker 0. Threads of the
/// pool help as far as there are any without work: the caller never waits for one to begin. The
/// pool grows to one thread fewer than the most workers that were ever asked for. Where the system
/// refuses a thread, and in a child after fork, where the pool begins anew, those that there are do
/// all the work. A call that shall end early (base/stop.hpp) leaves out what is not begun. Requires
/// workers >= 1.
using PoolTask = void (*)(void* context, std::size_t index, int worker) noexcept;
void run_in_pool(std::size_t count, int workers, PoolTask task, void* context) noexcept;

/// Threads that the pool has. For tests.
int pool_threads() noexcept;

}  // namespace maxdot::base
