#include "base/calls.hpp"

#include <pthread.h>

#include <atomic>

#include "base/thread_local.hpp"

namespace maxdot::base {
namespace {

// Threads with a call under way; of this thread, how many nest.
std::atomic<int> calls = 0;
MAXDOT_THREAD_LOCAL int calls_of_thread = 0;

// A forked child has only the thread that forked.
[[maybe_unused]] const bool ready =
    pthread_atfork(nullptr, nullptr, [] { calls = calls_of_thread > 0 ? 1 : 0; }) == 0;

}  // namespace

CallUnderWay::CallUnderWay() noexcept {
  if (calls_of_thread++ == 0) calls.fetch_add(1, std::memory_order_relaxed);
}

CallUnderWay::~CallUnderWay() {
  if (--calls_of_thread == 0) calls.fetch_sub(1, std::memory_order_relaxed);
}

int calls_under_way() noexcept { return calls.load(std::memory_order_relaxed); }

}  // namespace maxdot::base
