#include "base/float_environment.hpp"

#if defined(__SSE__)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace maxdot::base {
namespace {

/// Sets the default environment while it lives.
class DefaultEnvironment {
 public:
#if defined(__SSE__)
  DefaultEnvironment() noexcept : saved_(_mm_getcsr()) {
    if ((saved_ & ~kFlags) != kDefault) _mm_setcsr(kDefault);
  }
  ~DefaultEnvironment() {
    if (_mm_getcsr() != saved_) _mm_setcsr(saved_);
  }

 private:
  // Round to nearest, all exceptions masked, no flush to zero, denormals are not zero.
  static constexpr unsigned kDefault = 0x1f80;
  static constexpr unsigned kFlags = 0x3f;

  unsigned saved_;
#else
  DefaultEnvironment() noexcept {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultEnvironment() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif

 public:
  DefaultEnvironment(const DefaultEnvironment&) = delete;
  DefaultEnvironment& operator=(const DefaultEnvironment&) = delete;
};

}  // namespace

namespace detail {

__attribute__((noinline)) void call_in_default_environment(void (*body)(void* context), void* context) {
  const DefaultEnvironment environment;
  body(context);
}

}  // namespace detail
}  // namespace maxdot::base
