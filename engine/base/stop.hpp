// Whether the call under way shall end early. A call's StopOptions hold for everything that it does
// on its own thread and, by parallel_for, on those of the pool; so a function that takes long asks
// here, and no function hands them on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "maxdot/stop.hpp"

namespace maxdot::base {

class Stop {
 public:
  /// Throws Error (invalid_argument) for a timeout that is negative or NaN.
  Stop(const StopOptions& options, Stop* outer);
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  /// Whether anything can end the call but what the outer one asks.
  bool asks() const noexcept { return timed_ || options_.cancellation != nullptr; }
  /// Ends the call: after a fork that the host's poll made, its other threads do not exist.
  void cancel() noexcept { end(Reason::cancelled); }
  /// True for ever once it was: what has begun to leave things out goes on to do so.
  bool requested() noexcept;
  /// Throws Error if it was requested.
  void throw_if_requested();

 private:
  enum class Reason : std::uint8_t { none, cancelled, timeout };
  using Clock = std::chrono::steady_clock;

  bool end(Reason reason) noexcept;
  bool timed_reason() noexcept;

  const StopOptions options_;
  Stop* const outer_;
  const void* const owner_;  // names the calling thread
  bool timed_ = false;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point next_poll_ = Clock::time_point::max();  // of the calling thread alone
  std::atomic<Reason> reason_ = Reason::none;
};

/// Of the call under way on this thread; null: none can end early.
Stop* current_stop() noexcept;

/// While it lives, `stop` is that of this thread.
class StopOfThread {
 public:
  explicit StopOfThread(Stop* stop) noexcept;
  StopOfThread(const StopOfThread&) = delete;
  StopOfThread& operator=(const StopOfThread&) = delete;
  ~StopOfThread();

 private:
  Stop* const before_;
};

/// Whether the call under way shall end early; then parallel_for leaves out what it has not begun.
inline bool stop_requested() noexcept {
  Stop* stop = current_stop();
  return stop != nullptr && stop->requested();
}

/// Throws Error (cancelled or timeout) if the call under way shall end early.
inline void throw_if_stopped() {
  if (Stop* stop = current_stop()) stop->throw_if_requested();
}

/// Asks in a loop of short steps, after every so many multiplications: asking costs a look at the
/// clock.
class StopWatch {
 public:
  /// A tenth of a millisecond of the fastest kernels.
  static constexpr std::size_t kBetweenLooks = std::size_t{1} << 24;

  /// Whether it is time to ask, before a step or after one that took so many multiplications, or
  /// what takes as long. Never, in a call that nothing can end.
  bool due(std::size_t work) noexcept {
    if (work < left_) {
      left_ -= work;
      return false;
    }
    left_ = kBetweenLooks;
    return current_stop() != nullptr;
  }
  bool stopped(std::size_t work) noexcept { return due(work) && stop_requested(); }

 private:
  std::size_t left_ = kBetweenLooks;
};

}  // namespace maxdot::base
