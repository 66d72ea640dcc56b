// The engine's calls run without the GIL.
#pragma once

#include <nanobind/nanobind.h>
#include <unistd.h>

namespace maxdot::python {

/// While it lives, this thread does not have the GIL, which it had.
///
/// CPython up to 3.13 ends a thread that wants the GIL when the interpreter has ended: by
/// pthread_exit, whose unwinding would abort the process at the first frame that throws nothing.
/// Such a thread (a daemon thread that was in a call) stays here until the process ends, as later
/// CPythons keep it.
class WithoutGil {
 public:
  WithoutGil() noexcept : state_(PyEval_SaveThread()) {}
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;
  ~WithoutGil() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {
      for (;;) ::pause();
    }
  }

 private:
  PyThreadState* state_;
};

}  // namespace maxdot::python
