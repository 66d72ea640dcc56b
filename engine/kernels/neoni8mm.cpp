// NEON with products of matrices of bytes (I8MM, Armv8.6): two items times two queries times 8
// dimensions in one instruction, twice as many products as a dot product instruction has.
// Everything else is that of the dot product instructions.
//
// The two quads of 8 dimensions of an item lie in two lines of the expanded tile. Zipping the lines
// brings them together, so the tile lies as other tables have it.
//
// No Arm machine was at hand to measure it on; "Arm" in docs/measurements.md has what is known.

#include <cstddef>
#include <cstdint>

#include "kernels/neondot_vector.hpp"

namespace maxdot::kernels {
namespace {

constexpr std::size_t kStepDimensions = 8;
constexpr std::size_t kStepItems = 8;
constexpr std::size_t kMostPairs = 4;

int8x16_t zipped_low(uint32x4_t a, uint32x4_t b) noexcept {
  return vreinterpretq_s8_u32(vzip1q_u32(a, b));
}
int8x16_t zipped_high(uint32x4_t a, uint32x4_t b) noexcept {
  return vreinterpretq_s8_u32(vzip2q_u32(a, b));
}
uint32x4_t load_quads(const std::uint8_t* line) noexcept {
  return vreinterpretq_u32_u8(vld1q_u8(line));
}

// P pairs of queries, 8 items at a time. Register budget (P = 4): 4 * 4 sums + 4 items + 4 lines +
// 1 pair of queries = 25 of 32.
template <std::size_t P>
[[gnu::noinline]] void screen_pairs(const std::uint8_t* tile, std::size_t quads,
                                    const std::int8_t* queries, std::size_t stride,
                                    const std::int32_t* start, const std::int32_t* limits,
                                    CodesAhead& ahead, std::uint64_t* masks,
                                    std::int32_t* dots) noexcept {
  const std::uint8_t* fetch = ahead.first;
  const std::ptrdiff_t to_second = ahead.second - ahead.first;
  const std::size_t steps = (quads + 1) / 2;  // a quad behind the last one meets zeros
  const std::size_t spared = steps > ahead.lines ? steps - ahead.lines : 0;
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < kTileItems; i += kStepItems) {
    int32x4_t sum[P][4];  // of items 2v and 2v + 1: item, query; each has the queries in turn
    MAXDOT_UNROLL
    for (std::size_t p = 0; p < P; ++p) {
      const int32x2_t starts = vld1_s32(start + 2 * p);
      MAXDOT_UNROLL
      for (std::size_t v = 0; v < 4; ++v) sum[p][v] = vcombine_s32(starts, starts);
    }
    const std::uint8_t* line = tile + 4 * i;
    const std::int8_t* element = queries;
    std::size_t left = steps;
    do {
      __builtin_prefetch(fetch, 0, 2);
      __builtin_prefetch(fetch + to_second, 0, 2);
      fetch += left > spared ? kCodeLine : 0;
      const uint32x4_t first[2] = {load_quads(line), load_quads(line + 16)};
      const uint32x4_t second[2] = {load_quads(line + kQuadBytes),
                                    load_quads(line + kQuadBytes + 16)};
      const int8x16_t x[4] = {zipped_low(first[0], second[0]), zipped_high(first[0], second[0]),
                              zipped_low(first[1], second[1]), zipped_high(first[1], second[1])};
      MAXDOT_UNROLL
      for (std::size_t p = 0; p < P; ++p) {
        const std::int8_t* pair = element + 2 * p * stride;
        const int8x16_t y = vcombine_s8(vld1_s8(pair), vld1_s8(pair + stride));
        MAXDOT_UNROLL
        for (std::size_t v = 0; v < 4; ++v) sum[p][v] = vmmlaq_s32(sum[p][v], x[v], y);
      }
      line += 2 * kQuadBytes;
      element += kStepDimensions;
    } while (--left != 0);
    MAXDOT_UNROLL
    for (std::size_t p = 0; p < P; ++p) {
      const int32x4_t even[2] = {vuzp1q_s32(sum[p][0], sum[p][1]),
                                 vuzp1q_s32(sum[p][2], sum[p][3])};
      const int32x4_t odd[2] = {vuzp2q_s32(sum[p][0], sum[p][1]), vuzp2q_s32(sum[p][2], sum[p][3])};
      any |= NeonDot::reaching(vmaxq_s32(even[0], even[1]), limits[2 * p]);
      any |= NeonDot::reaching(vmaxq_s32(odd[0], odd[1]), limits[2 * p + 1]);
      std::int32_t* row = dots + 2 * p * kTileItems + i;
      vst1q_s32(row, even[0]);
      vst1q_s32(row + 4, even[1]);
      vst1q_s32(row + kTileItems, odd[0]);
      vst1q_s32(row + kTileItems + 4, odd[1]);
    }
  }
  ahead.first = fetch;
  ahead.second = fetch + to_second;
  if (any != 0) [[unlikely]] {
    write_masks<NeonDot, 2 * P>(limits, dots, masks);
  } else {
    for (std::size_t q = 0; q < 2 * P; ++q) masks[q] = 0;
  }
}

void screen_codes_i8mm(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries,
                       std::size_t stride, std::size_t count, const std::int32_t* start,
                       const std::int32_t* limits, CodesAhead ahead, std::uint64_t* masks,
                       std::int32_t* dots) noexcept {
  const std::size_t loops = (count + 2 * kMostPairs - 1) / (2 * kMostPairs) * (kTileItems / 8);
  const std::size_t lines = ahead.lines;
  ahead.lines = (lines + loops - 1) / loops;  // from here on: of each loop over the quads
  std::size_t q = 0;
  const auto block = [&]<std::size_t P>(std::integral_constant<std::size_t, P>) {
    for (; q + 2 * P <= count; q += 2 * P) {
      screen_pairs<P>(tile, quads, queries + q * stride, stride, start + q, limits + q, ahead,
                      masks + q, dots + q * kTileItems);
    }
  };
  block(std::integral_constant<std::size_t, kMostPairs>());
  block(std::integral_constant<std::size_t, 2>());
  block(std::integral_constant<std::size_t, 1>());
  if (q == count) return;
  ahead.lines = count == 1 ? lines : 0;
  screen_codes<NeonDot>(tile, quads, queries + q * stride, stride, 1, start + q, limits + q, ahead,
                        masks + q, dots + q * kTileItems);
}

constexpr KernelTable make_i8mm_table() noexcept {
  KernelTable table = make_table<NeonDot>("neoni8mm");
  table.codes.query_padding = kStepDimensions;
  table.codes.screen_codes = screen_codes_i8mm;
  return table;
}

}  // namespace

const KernelTable& neoni8mm_table() noexcept {
  static constexpr KernelTable table = make_i8mm_table();
  return table;
}

}  // namespace maxdot::kernels
