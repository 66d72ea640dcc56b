// Threads of the server: all of them, or none and an error.

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <new>

#include "server/base/workers.hpp"

using namespace maxdot::server;

namespace {

/// Waits until it is told to end. Copies may be made until there is no memory for one.
struct Waits {
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool over = false;
    std::atomic<int> copies = 0;
    std::atomic<int> ended = 0;
  };

  explicit Waits(Shared& all) : shared(&all) {}
  Waits(const Waits& other) : shared(other.shared) {
    if (++shared->copies > 3) throw std::bad_alloc();
  }
  Waits& operator=(const Waits&) = delete;
  ~Waits() = default;

  void operator()() const {
    std::unique_lock lock(shared->mutex);
    shared->changed.wait(lock, [this] { return shared->over; });
    ++shared->ended;
  }

  Shared* shared;
};

}  // namespace

TEST_CASE("where a thread cannot be started those that run end, whatever the reason is") {
  Waits::Shared shared;
  CHECK_THROWS_AS((void)start_threads(8, Waits(shared),
                                      [&] {
                                        const std::lock_guard lock(shared.mutex);
                                        shared.over = true;
                                        shared.changed.notify_all();
                                      }),
                  std::bad_alloc);
  CHECK(shared.over);
  CHECK(shared.ended > 0);
}

TEST_CASE("workers do all that was posted before they are joined") {
  std::atomic<int> done = 0;
  Workers workers(3);
  for (int i = 0; i < 100; ++i) boost::asio::post(workers.get_executor(), [&] { ++done; });
  workers.join();
  CHECK(done == 100);
}
