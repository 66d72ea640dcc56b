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

// Ten independent sums hide the latency. Assembly, so that this file needs no flags of its own; `r`
// is "ymm" or "zmm". Registers 12 to 15: a temporary, two operands, and ones.
#define MAXDOT_TEN(step, r)                                                                  \
  step(r, "0") step(r, "1") step(r, "2") step(r, "3") step(r, "4") step(r, "5") step(r, "6") \
      step(r, "7") step(r, "8") step(r, "9")
#define MAXDOT_DOT(r, sum) "vpdpbusd %%" r "14, %%" r "13, %%" r sum "\n\t"
#define MAXDOT_VEX_DOT(r, sum) "%{vex%} vpdpbusd %%" r "14, %%" r "13, %%" r sum "\n\t"
#define MAXDOT_PAIRS(r) "vpmaddubsw %%" r "14, %%" r "13, %%" r "12\n\t"
#define MAXDOT_BYTES(r, sum) \
  MAXDOT_PAIRS(r)            \
  "vpmaddwd %%" r "15, %%" r "12, %%" r "12\n\tvpaddd %%" r "12, %%" r sum ", %%" r sum "\n\t"
#define MAXDOT_NARROW(r, sum) MAXDOT_PAIRS(r) "vpaddw %%" r "12, %%" r sum ", %%" r sum "\n\t"
#define MAXDOT_FMA(r, sum) "vfmadd231ps %%" r "14, %%" r "13, %%" r sum "\n\t"
#define MAXDOT_SUMS                                                                        \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm12", \
      "xmm13", "xmm14", "xmm15"
#define MAXDOT_LOOP(name, step, r)                                                          \
  void name() {                                                                             \
    __asm__ volatile(                                                                       \
        "vpxor %%xmm13, %%xmm13, %%xmm13\n\tvpxor %%xmm14, %%xmm14, %%xmm14\n\t"            \
        "vpxor %%xmm15, %%xmm15, %%xmm15" ::                                                \
            : MAXDOT_SUMS);                                                                 \
    for (int i = 0; i < kRounds; ++i) __asm__ volatile(MAXDOT_TEN(step, r)::: MAXDOT_SUMS); \
  }
MAXDOT_LOOP(dots_512, MAXDOT_DOT, "zmm")
MAXDOT_LOOP(dots_256, MAXDOT_VEX_DOT, "ymm")
MAXDOT_LOOP(bytes_512, MAXDOT_BYTES, "zmm")
MAXDOT_LOOP(bytes_256, MAXDOT_BYTES, "ymm")
MAXDOT_LOOP(narrow_512, MAXDOT_NARROW, "zmm")
MAXDOT_LOOP(narrow_256, MAXDOT_NARROW, "ymm")
MAXDOT_LOOP(fmas_512, MAXDOT_FMA, "zmm")
MAXDOT_LOOP(fmas_256, MAXDOT_FMA, "ymm")

/// Four independent sums of 16 x 16 items and queries, 64 dimensions a step. Requires that the
/// process may use AMX.
__attribute__((target("amx-tile,amx-int8"))) void tile_dots() {
  struct alignas(64) {
    std::uint8_t palette[16] = {1};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } const configuration;
  __asm__ volatile("ldtilecfg %0" ::"m"(configuration));
  for (int i = 0; i < kRounds; ++i) {
    __asm__ volatile(
        "tdpbsud %tmm6, %tmm4, %tmm0\n\ttdpbsud %tmm7, %tmm4, %tmm1\n\t"
        "tdpbsud %tmm6, %tmm5, %tmm2\n\ttdpbsud %tmm7, %tmm5, %tmm3");
  }
  __asm__ volatile("tilerelease");
}

bool is_wide(const std::string& table) { return table.starts_with("avx512") || table == "amx"; }
bool is_x86(const std::string& table) { return table.starts_with("avx") || table == "amx"; }

/// `lanes`: multiply-accumulates of one step.
double rate(double lanes, void (*work)()) { return 10.0 * lanes * kRounds / seconds_of(work); }

}  // namespace

double byte_dot_ceiling(const std::string& table) {
  if (table == "amx") return 16.0 * 16.0 * 64.0 * 4.0 * kRounds / seconds_of(tile_dots);
  if (table == "avx512vnni") return rate(64.0, dots_512);
  if (table == "avxvnni") return rate(32.0, dots_256);
  if (!is_x86(table)) return 0.0;
  return is_wide(table) ? rate(64.0, bytes_512) : rate(32.0, bytes_256);
}

double narrow_ceiling(const std::string& table) {
  if (table == "avx512") return rate(64.0, narrow_512);
  return table == "avx2" ? rate(32.0, narrow_256) : 0.0;
}

double f32_ceiling(const std::string& table) {
  if (!is_x86(table)) return 0.0;
  return is_wide(table) ? rate(16.0, fmas_512) : rate(8.0, fmas_256);
}
#else
double byte_dot_ceiling(const std::string&) { return 0.0; }
double narrow_ceiling(const std::string&) { return 0.0; }
double f32_ceiling(const std::string&) { return 0.0; }
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
