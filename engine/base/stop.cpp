#include "base/stop.hpp"

#include <cmath>
#include <string>

#include "base/thread_local.hpp"
#include "maxdot/error.hpp"

namespace maxdot::base {
namespace {

constexpr std::chrono::milliseconds kBetweenPolls{20};

// [seconds] Longer than any call, and far from the end of the clock.
constexpr double kForever = 1e9;

MAXDOT_THREAD_LOCAL Stop* stop_of_thread = nullptr;

// Its address names the thread.
MAXDOT_THREAD_LOCAL char thread_name;

}  // namespace

Stop::Stop(const StopOptions& options, Stop* outer)
    : options_(options), outer_(outer), owner_(&thread_name) {
  if (!(options.timeout >= 0.0)) {
    throw Error(ErrorCode::invalid_argument, "timeout: " + std::to_string(options.timeout) +
                                                 " is no number of seconds from 0 (0 = no limit)");
  }
  const Clock::time_point now = Clock::now();
  if (options.timeout > 0.0 && options.timeout < kForever) {
    deadline_ = now + std::chrono::duration_cast<Clock::duration>(
                          std::chrono::duration<double>(options.timeout));
    timed_ = true;
  }
  if (options.poll != nullptr) {
    next_poll_ = now + kBetweenPolls;
    timed_ = true;
  }
}

bool Stop::end(Reason reason) noexcept {
  Reason none = Reason::none;
  reason_.compare_exchange_strong(none, reason, std::memory_order_relaxed);
  return true;
}

bool Stop::timed_reason() noexcept {
  const Clock::time_point now = Clock::now();
  if (now >= deadline_) return end(Reason::timeout);
  if (owner_ != &thread_name || now < next_poll_) return false;
  // What is asked may itself call the library, whose calls look at this one, too.
  next_poll_ = Clock::time_point::max();
  const bool ended = options_.poll(options_.poll_context);
  next_poll_ = Clock::now() + kBetweenPolls;
  return ended && end(Reason::cancelled);
}

bool Stop::requested() noexcept {
  if (reason_.load(std::memory_order_relaxed) != Reason::none) return true;
  if (options_.cancellation != nullptr && options_.cancellation->cancelled())
    return end(Reason::cancelled);
  if (timed_ && timed_reason()) return true;
  return outer_ != nullptr && outer_->requested();
}

void Stop::throw_if_requested() {
  if (!requested()) return;
  switch (reason_.load(std::memory_order_relaxed)) {
    case Reason::none:
      return outer_->throw_if_requested();
    case Reason::cancelled:
      throw Error(ErrorCode::cancelled,
                  "the call was cancelled before it was done; do not use what it wrote");
    case Reason::timeout:
      throw Error(ErrorCode::timeout, "the call was not done within its timeout of " +
                                          std::to_string(options_.timeout) +
                                          " seconds; allow more, or ask for less at once");
  }
}

Stop* current_stop() noexcept { return stop_of_thread; }

StopOfThread::StopOfThread(Stop* stop) noexcept : before_(stop_of_thread) { stop_of_thread = stop; }

StopOfThread::~StopOfThread() { stop_of_thread = before_; }

}  // namespace maxdot::base
