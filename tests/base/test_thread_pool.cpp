// The pool of threads that all calls share, and what stops them.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/calls.hpp"
#include "base/parallel.hpp"
#include "base/stop.hpp"
#include "base/thread_pool.hpp"
#include "forked.hpp"
#include "maxdot/error.hpp"

using maxdot::base::parallel_for;
namespace base = maxdot::base;
namespace test = maxdot::test;

namespace {

/// Whether every index of [0, count) was handed out once, to a worker below `threads`.
bool each_once(std::size_t count, int threads) {
  std::vector<std::atomic<int>> seen(count);
  std::atomic<bool> right = true;
  parallel_for(count, threads, [&](std::size_t i, int worker) noexcept {
    if (worker < 0 || worker >= threads) right = false;
    ++seen[i];
  });
  for (const std::atomic<int>& times : seen) right = right && times == 1;
  return right;
}

}  // namespace

TEST_CASE("every index is handed out once, with any number of threads") {
  for (const std::size_t count : {0U, 1U, 2U, 7U, 64U, 1000U}) {
    for (const int threads : {1, 2, 3, 8, 64}) {
      INFO(count, " tasks, ", threads, " threads");
      CHECK(each_once(count, threads));
    }
  }
}

TEST_CASE("calls of many threads share the pool, which stays as large as the largest asks for") {
  const int before = base::pool_threads();
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 16; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) right += each_once(100, 4) ? 1 : 0;
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(right == 16 * 50);
  CHECK(base::pool_threads() <= std::max(before, 3));
}

TEST_CASE("two workers run at once") {
  std::atomic<int> arrived = 0;
  parallel_for(2, 2, [&](std::size_t, int) noexcept {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();  // hangs unless the other comes
  });
  CHECK(arrived == 2);
}

TEST_CASE("a child after fork has a pool of its own" * doctest::skip(!test::kForksWithThreads)) {
  CHECK(each_once(100, 8));
  CHECK(test::in_child([] { return each_once(100, 8) && base::pool_threads() == 7; }));
  // While other threads of the parent are in the pool.
  std::atomic<bool> done = false;
  std::thread busy([&] {
    while (!done) each_once(64, 4);
  });
  int right = 0;
  for (int i = 0; i < 20; ++i) {
    right += test::in_child(
        [] { return each_once(100, 4) && test::in_child([] { return each_once(100, 4); }); });
  }
  done = true;
  busy.join();
  CHECK(right == 20);
}

TEST_CASE("where the system refuses threads, those that there are do the work" *
          doctest::skip(!test::kForksWithThreads || !test::kMemoryCanBeLimited)) {
  CHECK(test::in_child([] {
    // No room for new stacks. Those of the parent's threads are there to be used again, but none
    // of its calls had so many.
    const rlimit none = {1, 1};
    return setrlimit(RLIMIT_AS, &none) == 0 && each_once(1000, 500) && base::pool_threads() < 499;
  }));
}

TEST_CASE("calls under way at once divide the cores") {
  const int alone = base::resolve_threads(0);
  CHECK(alone == base::available_threads());
  const base::CallUnderWay own;
  const base::CallUnderWay nested;
  CHECK(base::resolve_threads(0) == alone);
  std::thread([&] {
    const base::CallUnderWay other;
    CHECK(base::resolve_threads(0) == std::max(1, alone / 2));
    CHECK(base::resolve_threads(5) == 5);
  }).join();
  CHECK(base::resolve_threads(0) == alone);
}

TEST_CASE("a call that shall stop leaves out what is not begun, and its threads know") {
  maxdot::Cancellation cancellation;
  base::Stop stop({.cancellation = &cancellation}, nullptr);
  const base::StopOfThread scope(&stop);
  std::atomic<int> begun = 0;
  std::atomic<bool> cancelled = false;
  // Those that have begun wait for the first, which cancels: no worker begins a second one.
  parallel_for(1000, 4, [&](std::size_t i, int) noexcept {
    ++begun;
    if (i == 0) {
      cancellation.cancel();
      cancelled = true;
    }
    while (!cancelled) std::this_thread::yield();
  });
  CHECK(begun >= 1);
  CHECK(begun <= 4);
  CHECK(base::stop_requested());
  bool refused = false;
  try {
    base::throw_if_stopped();
  } catch (const maxdot::Error& error) {
    refused = error.code() == maxdot::ErrorCode::cancelled;
  }
  CHECK(refused);
}
