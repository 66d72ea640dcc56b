// What a forked child can do.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include "sanitizers.hpp"

namespace maxdot::test {

/// ThreadSanitizer ends a child that starts threads.
inline constexpr bool kForksWithThreads = MAXDOT_TSAN == 0;
/// Sanitizers need more address space than any limit would leave them.
inline constexpr bool kMemoryCanBeLimited = MAXDOT_TSAN == 0 && MAXDOT_ASAN == 0;

/// Whether check() is true in a forked child. A child that takes 60 seconds is killed: it hangs.
template <typename Check>
bool in_child(Check check) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    alarm(60);
    _exit(check() ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace maxdot::test
