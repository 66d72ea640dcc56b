#include "environment.hpp"

#if defined(__SSE__)
#include <immintrin.h>
#endif

namespace fuzz {
namespace {

#if defined(__SSE__)
constexpr unsigned kFlags = 0x3f;  // of past exceptions
constexpr unsigned kDenormalsAreZero = 0x0040;
constexpr unsigned kFlushToZero = 0x8000;

bool flushes() noexcept { return (_mm_getcsr() & kFlushToZero) != 0; }
bool drops_denormals() noexcept { return (_mm_getcsr() & kDenormalsAreZero) != 0; }
#else
bool flushes() noexcept { return false; }
bool drops_denormals() noexcept { return false; }
#endif

}  // namespace

std::string Environment::describe() const {
  std::string text = rounding == FE_UPWARD       ? "upward"
                     : rounding == FE_DOWNWARD   ? "downward"
                     : rounding == FE_TOWARDZERO ? "toward zero"
                                                 : "to nearest";
  if (flush_to_zero) text += " FTZ";
  if (denormals_are_zero) text += " DAZ";
  if (trapping != 0) text += " trapping " + std::to_string(trapping);
  return text;
}

Environment draw_environment(Random& random) {
  Environment environment;
  if (random.one_in(2)) return environment;
  const std::size_t which = random.below(8);
  if (which < 4) environment.rounding = random.pick({FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO});
#if defined(__SSE__)
  if (which > 2) {
    environment.flush_to_zero = !random.one_in(3);
    environment.denormals_are_zero = !environment.flush_to_zero || random.one_in(2);
  }
#endif
#if defined(__GLIBC__)
  if (which > 5) {
    environment.trapping = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW;
    if (random.one_in(2)) environment.trapping = FE_ALL_EXCEPT;
  }
#endif
  return environment;
}

EnvironmentScope::EnvironmentScope(const Environment& wanted) : wanted_(wanted) {
  std::feholdexcept(&saved_);
  std::fesetround(wanted.rounding);
#if defined(__SSE__)
  unsigned csr = _mm_getcsr() & ~kFlags;
  if (wanted.flush_to_zero) csr |= kFlushToZero;
  if (wanted.denormals_are_zero) csr |= kDenormalsAreZero;
  _mm_setcsr(csr);
#endif
#if defined(__GLIBC__)
  if (wanted.trapping != 0) feenableexcept(wanted.trapping);
#endif
}

EnvironmentScope::~EnvironmentScope() { std::fesetenv(&saved_); }

bool EnvironmentScope::intact() const noexcept {
#if defined(__GLIBC__)
  if (fegetexcept() != wanted_.trapping) return false;
#endif
  return std::fegetround() == wanted_.rounding && flushes() == wanted_.flush_to_zero &&
         drops_denormals() == wanted_.denormals_are_zero;
}

}  // namespace fuzz
