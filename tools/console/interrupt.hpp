// Ctrl-C and SIGTERM during long work that has temporary files to remove.
#pragma once

#include <csignal>
#include <utility>
#include <vector>

#include "maxdot/stop.hpp"

namespace maxdot::tools {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is noted and ends the library's calls that
/// have its stop(); a second one kills as usual. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();

  /// For every call of the library that may take long; make it within `run`.
  StopOptions stop() const noexcept { return {.cancellation = &cancellation_}; }

  /// Throws Interrupted if a signal came.
  void check() const;

  /// Runs `action`. Whatever it throws after a signal came, the Error of a call that was cancelled
  /// above all, becomes Interrupted.
  template <typename Action>
  void run(Action&& action) const {
    try {
      action();
    } catch (...) {
      check();
      throw;
    }
  }

 private:
  Cancellation cancellation_;
  std::vector<std::pair<int, struct sigaction>> previous_;
};

}  // namespace maxdot::tools
