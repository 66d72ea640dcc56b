#include "base/float_environment.hpp"

#if defined(__SSE__)
#include <immintrin.h>

#include <cstdint>
#else
#include <cfenv>
#endif

namespace maxdot::base {
namespace {

/// Sets the default environment while it lives.
class DefaultEnvironment {
 public:
#if defined(__SSE__)
  DefaultEnvironment() noexcept : saved_(_mm_getcsr()), saved_x87_(x87_control()) {
    if ((saved_ & ~kFlags) != kDefault) _mm_setcsr(kDefault);
    if (saved_x87_ != kDefaultX87) set_x87_control(kDefaultX87);
  }
  ~DefaultEnvironment() {
    if (_mm_getcsr() != saved_) _mm_setcsr(saved_);
    if (saved_x87_ != kDefaultX87) set_x87_control(saved_x87_);
  }

 private:
  // long double is computed by the x87 unit, and the C library rounds by its mode when it prints
  // and reads numbers.
  static std::uint16_t x87_control() noexcept {
    std::uint16_t word = 0;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
  }
  // Clears the unit's exception flags first: one that is set and not masked any more would trap at
  // the next instruction.
  static void set_x87_control(std::uint16_t word) noexcept {
    __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(word));
  }

  // Round to nearest, 64 bits of mantissa, all exceptions masked.
  static constexpr std::uint16_t kDefaultX87 = 0x037f;
  // Round to nearest, all exceptions masked, no flush to zero, denormals are not zero.
  static constexpr unsigned kDefault = 0x1f80;
  static constexpr unsigned kFlags = 0x3f;

  unsigned saved_;
  std::uint16_t saved_x87_;
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

__attribute__((noinline)) void call_in_default_environment(void (*body)(void* context),
                                                           void* context) {
  const DefaultEnvironment environment;
  body(context);
}

}  // namespace detail
}  // namespace maxdot::base
