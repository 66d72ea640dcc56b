// Threads that run what is posted to them.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace maxdot::server {

/// `count` threads that run `body`. Where the system refuses one, `stop` is called, which must end
/// those that have started. Throws tools::Failure (out_of_memory) then, and what copies of `body`
/// throw.
std::vector<std::jthread> start_threads(std::size_t count, const std::function<void()>& body,
                                        const std::function<void()>& stop);

/// asio's thread_pool, which waits for ever in its constructor where the system refuses a thread.
class Workers {
 public:
  /// Throws tools::Failure (out_of_memory) where the system refuses a thread.
  explicit Workers(std::size_t threads);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// What has not begun is left out.
  ~Workers();

  boost::asio::io_context::executor_type get_executor() noexcept { return io_.get_executor(); }
  /// Returns when all that was posted is done. Nothing may be posted then.
  void join();

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::jthread> threads_;
};

}  // namespace maxdot::server
