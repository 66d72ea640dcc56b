// The IEEE environment that "bit-identical" needs: round to nearest, denormals kept.
#pragma once

#include <cfenv>

#if defined(__SSE__)
#include <immintrin.h>
#endif

namespace maxdot::base {

/// While it lives, this thread rounds to nearest and keeps denormals, whatever the host program (or a library that
/// was linked with -ffast-math) has set; afterwards the thread is as it was.
class FloatEnvironment {
 public:
#if defined(__SSE__)
  FloatEnvironment() noexcept : saved_(_mm_getcsr()) {
    constexpr unsigned kDefault = 0x1f80;  // all exceptions masked, nearest, no flush to zero, no denormals-are-zero
    if ((saved_ & ~0x3fU) != kDefault) _mm_setcsr(kDefault);
  }
  ~FloatEnvironment() {
    if ((saved_ & ~0x3fU) != 0x1f80) _mm_setcsr(saved_);
  }

 private:
  unsigned saved_;
#else
  FloatEnvironment() noexcept {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FloatEnvironment() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif
 public:
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;
};

}  // namespace maxdot::base
