#include "judge/stop.hpp"

#include <string>

#include "maxdot/error.hpp"

namespace maxdot::judge {
namespace {

constexpr std::chrono::milliseconds kBetweenPolls{20};

}  // namespace

Stop::Stop(const StopOptions& options) : options_(options) {
  if (options.timeout >= 0.0) return;
  throw Error(ErrorCode::invalid_argument, "timeout: " + std::to_string(options.timeout) +
                                               " is no number of seconds from 0 (0 = no limit)");
}

void Stop::poll() {
  const Clock::time_point now = Clock::now();
  if (now - polled_ < kBetweenPolls) return;
  polled_ = now;
  if (options_.poll(options_.poll_context)) ended_by_host_ = true;
}

void Stop::look() {
  if (options_.poll != nullptr && std::this_thread::get_id() == caller_) poll();
  if (ended_by_host_ || (options_.cancellation != nullptr && options_.cancellation->cancelled())) {
    throw Error(ErrorCode::cancelled, "the call was cancelled before it was done");
  }
  if (options_.timeout > 0.0 &&
      std::chrono::duration<double>(Clock::now() - begin_).count() > options_.timeout) {
    throw Error(ErrorCode::timeout, "the call was not done within its timeout of " +
                                        std::to_string(options_.timeout) +
                                        " seconds; allow more, or ask for less at once");
  }
}

}  // namespace maxdot::judge
