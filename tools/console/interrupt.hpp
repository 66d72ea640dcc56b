// Ctrl-C and SIGTERM during long work that has temporary files to remove.
#pragma once

#include <csignal>
#include <utility>
#include <vector>

namespace maxdot::tools {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is only noted; a second one kills as usual.
/// One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();

  /// Throws Interrupted if a signal came.
  void check() const;

 private:
  std::vector<std::pair<int, struct sigaction>> previous_;
};

}  // namespace maxdot::tools
