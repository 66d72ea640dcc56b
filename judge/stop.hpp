// Whether the judge shall end early: what StopOptions promise, written for threads of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "maxdot/stop.hpp"

namespace maxdot::judge {

class Stop {
 public:
  /// Throws Error (invalid_argument) for a timeout that is negative or NaN.
  explicit Stop(const StopOptions& options);
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  /// Throws Error (cancelled or timeout) when it is time to end. Any thread may ask; the host's
  /// poll runs on the thread that made this.
  void look();

 private:
  using Clock = std::chrono::steady_clock;

  void poll();

  const StopOptions options_;
  const std::thread::id caller_ = std::this_thread::get_id();
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point polled_ = begin_;  // of the calling thread alone
  std::atomic<bool> ended_by_host_ = false;
};

}  // namespace maxdot::judge
