#include "kernels/cpu_features.hpp"

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace maxdot::kernels {

#if defined(__x86_64__)
namespace {

struct Registers {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) noexcept {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

// XGETBV as an instruction: the intrinsic needs -mxsave, which this file must not have.
std::uint64_t enabled_register_state() noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

constexpr bool bit(unsigned word, int position) noexcept { return ((word >> position) & 1U) != 0; }

}  // namespace

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
  const Registers one = cpuid(1, 0);
  const bool osxsave = bit(one.c, 27);
  if (!osxsave) return features;
  const std::uint64_t state = enabled_register_state();
  const bool ymm_saved = (state & 0x06) == 0x06;
  const bool zmm_saved = (state & 0xe6) == 0xe6;
  const Registers seven = cpuid(7, 0);
  const bool fma = bit(one.c, 12);
  const bool f16c = bit(one.c, 29);
  features.avx2 = ymm_saved && fma && f16c && bit(seven.b, 5);
  features.avx512 = features.avx2 && zmm_saved && bit(seven.b, 16) && bit(seven.b, 17) && bit(seven.b, 30) &&
                    bit(seven.b, 31);  // F, DQ, BW, VL
  features.avx512vnni = features.avx512 && bit(seven.c, 11);
  features.avxvnni = features.avx2 && seven.a >= 1 && bit(cpuid(7, 1).a, 4);
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
  features.neondot = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  return features;
}

#else

CpuFeatures detect_cpu_features() noexcept { return {}; }

#endif

}  // namespace maxdot::kernels
