#include "ceilings.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace maxdot::bench {
namespace {

constexpr int kRounds = 2'000'000;
constexpr int kRepeats = 7;

double seconds_of(auto&& work) {
  double best = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

}  // namespace

#if defined(__x86_64__)
namespace {

// Twelve independent sums hide the latency. Assembly, so that this file needs no flags of its own.
#define MAXDOT_TWELVE(instruction)                                                            \
  instruction                                                                                 \
      " %%zmm30, %%zmm31, %%zmm0\n\t" instruction " %%zmm30, %%zmm31, %%zmm1\n\t" instruction \
      " %%zmm30, %%zmm31, %%zmm2\n\t" instruction " %%zmm30, %%zmm31, %%zmm3\n\t" instruction \
      " %%zmm30, %%zmm31, %%zmm4\n\t" instruction " %%zmm30, %%zmm31, %%zmm5\n\t" instruction \
      " %%zmm30, %%zmm31, %%zmm6\n\t" instruction " %%zmm30, %%zmm31, %%zmm7\n\t" instruction \
      " %%zmm30, %%zmm31, %%zmm8\n\t" instruction " %%zmm30, %%zmm31, %%zmm9\n\t" instruction \
      " %%zmm30, %%zmm31, %%zmm10\n\t" instruction " %%zmm30, %%zmm31, %%zmm11\n\t"

#define MAXDOT_SUMS \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11"

void byte_dots() {
  for (int i = 0; i < kRounds; ++i) __asm__ volatile(MAXDOT_TWELVE("vpdpbusd") : : : MAXDOT_SUMS);
}

void f32_fmas() {
  for (int i = 0; i < kRounds; ++i)
    __asm__ volatile(MAXDOT_TWELVE("vfmadd231ps") : : : MAXDOT_SUMS);
}

void clear_registers() {
  __asm__ volatile("vpxord %%zmm30, %%zmm30, %%zmm30\n\tvpxord %%zmm31, %%zmm31, %%zmm31"
                   :
                   :
                   : "memory");
}

}  // namespace

double byte_dot_ceiling() {
  if (!__builtin_cpu_supports("avx512vnni")) return 0.0;
  clear_registers();
  return 12.0 * 64.0 * kRounds / seconds_of(byte_dots);
}

double f32_ceiling() {
  if (!__builtin_cpu_supports("avx512f")) return 0.0;
  clear_registers();
  return 12.0 * 16.0 * kRounds / seconds_of(f32_fmas);
}
#else
double byte_dot_ceiling() { return 0.0; }
double f32_ceiling() { return 0.0; }
#endif

double read_ceiling(const unsigned char* data, std::size_t bytes) {
  std::uint64_t sink = 0;
  const auto begin = std::chrono::steady_clock::now();
  {
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i + 64 <= bytes; i += 64) {
      __builtin_prefetch(data + i + 65536, 0, 2);
      const auto* line = reinterpret_cast<const std::uint64_t*>(data + i);
      for (int j = 0; j < 8; ++j) sums[j] ^= line[j];
    }
    for (const std::uint64_t sum : sums) sink ^= sum;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  volatile std::uint64_t keep = sink;
  (void)keep;
  return static_cast<double>(bytes) / seconds;
}

}  // namespace maxdot::bench
