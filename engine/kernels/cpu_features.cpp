#include "kernels/cpu_features.hpp"

#include <cstdlib>
#include <string>

#include "maxdot/error.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>
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

constexpr bool all(unsigned word, std::initializer_list<int> bits) noexcept {
  for (const int bit : bits) {
    if (((word >> bit) & 1U) == 0) return false;
  }
  return true;
}

}  // namespace

X86Words read_x86_words() noexcept {
  X86Words words;
  words.leaf1_ecx = cpuid(1, 0).c;
  if (all(words.leaf1_ecx, {27}))
    words.xcr0 = enabled_register_state();  // OSXSAVE: the instruction exists
  const Registers seven = cpuid(7, 0);
  words.leaf7_ebx = seven.b;
  words.leaf7_ecx = seven.c;
  words.leaf7_edx = seven.d;
  if (seven.a >= 1) words.leaf7_1_eax = cpuid(7, 1).a;
  return words;
}

CpuFeatures features_of(const X86Words& words) noexcept {
  CpuFeatures features;
  const bool ymm_saved = (words.xcr0 & 0x06) == 0x06;
  const bool zmm_saved = (words.xcr0 & 0xe6) == 0xe6;
  // SSE3, SSSE3, FMA, SSE4.1, SSE4.2, POPCNT, XSAVE, OSXSAVE, AVX, F16C; AVX2
  features.avx2 = ymm_saved && all(words.leaf1_ecx, {0, 9, 12, 19, 20, 23, 26, 27, 28, 29}) &&
                  all(words.leaf7_ebx, {5});
  // F, DQ, CD, BW, VL
  features.avx512 = features.avx2 && zmm_saved && all(words.leaf7_ebx, {16, 17, 28, 30, 31});
  features.avx512vnni = features.avx512 && all(words.leaf7_ecx, {11});
  features.avxvnni = features.avx2 && all(words.leaf7_1_eax, {4});
  // AMX-TILE, AMX-INT8; the OS saves their configuration and their data
  const bool tiles_saved = (words.xcr0 & 0x60000) == 0x60000;
  features.amx = features.avx512vnni && tiles_saved && all(words.leaf7_edx, {24, 25});
  return features;
}

CpuFeatures detect_cpu_features() noexcept { return features_of(read_x86_words()); }

#elif defined(__aarch64__) && defined(__linux__)

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
  constexpr unsigned long kI8mm = 1UL << 13;  // HWCAP2_I8MM, which older headers lack
  features.neondot = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  features.neoni8mm = features.neondot && (getauxval(AT_HWCAP2) & kI8mm) != 0;
  return features;
}

#else

CpuFeatures detect_cpu_features() noexcept { return {}; }

#endif

bool tile_data_permitted() noexcept {
#if defined(__x86_64__) && defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

CpuFeatures below_mask(CpuFeatures features, std::string_view mask) {
  if (mask == "all") return features;
  if (mask == "none") return {};
  CpuFeatures left = features;
  left.amx = false;
  if (mask == "vnni") return left;
  left.avxvnni = false;
  left.avx512vnni = false;
  if (mask == "avx512") return left;
  left.avx512 = false;
  if (mask == "avx2") return left;
  throw Error(ErrorCode::invalid_argument,
              "MAXDOT_CPU_MASK=" + std::string(mask) +
                  " is no mask; use one of: none, avx2, avx512, vnni, all");
}

CpuFeatures visible_cpu_features() {
  const char* mask = std::getenv("MAXDOT_CPU_MASK");
  return below_mask(detect_cpu_features(), mask == nullptr || *mask == '\0' ? "all" : mask);
}

}  // namespace maxdot::kernels
