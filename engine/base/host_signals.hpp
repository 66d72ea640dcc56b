// Signals are the host's, also on threads that the library starts.
#pragma once

#include <signal.h>

namespace maxdot::base {

/// A thread that is started while one lives handles no signals that come from outside. What its own
/// instructions raise goes to the host's handler, which may mend it.
class SignalsLeftToHost {
 public:
  SignalsLeftToHost() noexcept {
    sigset_t all;
    sigfillset(&all);
    for (const int raised : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPROF})
      sigdelset(&all, raised);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsLeftToHost(const SignalsLeftToHost&) = delete;
  SignalsLeftToHost& operator=(const SignalsLeftToHost&) = delete;
  ~SignalsLeftToHost() { (void)pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace maxdot::base
