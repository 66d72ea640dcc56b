#include "server/base/workers.hpp"

#include <system_error>

#include "console/failure.hpp"

namespace maxdot::server {

std::vector<std::jthread> start_threads(std::size_t count, const std::function<void()>& body,
                                        const std::function<void()>& stop) {
  std::vector<std::jthread> threads;
  threads.reserve(count);
  try {
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(body);
  } catch (const std::system_error& refused) {
    stop();
    throw tools::Failure(tools::ExitCode::out_of_memory,
                         std::string("the system refuses a thread (") + refused.what() +
                             "); allow the process more threads");
  } catch (...) {
    stop();  // or the threads that run would be waited for
    throw;
  }
  return threads;
}

Workers::Workers(std::size_t threads)
    : work_(io_.get_executor()),
      threads_(start_threads(
          threads, [this] { io_.run(); }, [this] { io_.stop(); })) {}

Workers::~Workers() {
  io_.stop();
  threads_.clear();
}

void Workers::join() {
  work_.reset();
  threads_.clear();
}

}  // namespace maxdot::server
