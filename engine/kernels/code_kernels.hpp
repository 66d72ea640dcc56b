// The integer kernels of the code screens, written once over a small vector type `V` that each
// instruction set's file defines (store/layout.hpp has the layout):
//
//   V::Bytes, V::kBytes         64, 32 or 16 code bytes: 16, 8 or 4 items x 4 dimensions
//   V::load_bytes(p), V::store_bytes(p, b)
//   V::broadcast_quad(p)        4 query codes to every item
//   V::up(b), V::down(b)        bytes shifted by a nibble; what comes in from beside is not zero
//   V::lower(b)                 the lower nibbles alone
//   V::fine(high, low)          codes from the upper nibbles of one and the lower of the other
//   V::coarse_even(high), V::coarse_odd(high)
//                               codes of the two groups in a line of high nibbles, u = 16h + 8
//   V::load_lanes(p, stride)    16 bytes from each of p, p + stride, ...: as many as fill a vector
//   V::transpose_quads(b)       4 x 4 quads within every 16 bytes of 4 vectors
//   V::Ints, V::ints(i)         i32 sums, one per item
//   V::dot4(sum, codes, query)  sum + the 4 products of each item
//   V::reaching(sum, limit)     bit per item: sum >= limit
//   V::max_ints(a, b), V::load_ints(p), V::store_ints(p, sum)
//   V::sum_ints(a, b)           of all elements
//   V::kCodeOffset              what expanded bytes have on top of the signed code: 128, or 0
//   V::kMaxQueryCode            |query code| must not exceed it (dot4 may sum pairs in 16 bits)
//   V::kCodeQueries, V::kCodeVectors    the register tile of screen_codes
//
// Sums are exact, so every instruction set returns the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/code_limits.hpp"
#include "kernels/kernels.hpp"

// Loops over registers must be gone before the compiler decides what lives in memory.
#if defined(__clang__)
#define MAXDOT_UNROLL _Pragma("unroll")
#else
#define MAXDOT_UNROLL _Pragma("GCC unroll 8")
#endif

namespace maxdot::kernels {
namespace {

constexpr std::size_t kCodeLine = 64;
// An expanded tile holds the lines of its four groups quad by quad.
constexpr std::size_t kQuadBytes = 4 * kCodeLine;

constexpr std::size_t low_bytes_of(std::size_t quads) noexcept { return (quads + 1) / 2 * 4; }

/// Four quads of the low nibbles of a vector's items, transposed: out[k] has the k-th of each. `p`:
/// the first item's, `bytes` before the next one's.
template <typename V>
[[gnu::always_inline]] inline void load_low(const std::uint8_t* p, std::size_t bytes,
                                            typename V::Bytes* out) noexcept {
  MAXDOT_UNROLL
  for (std::size_t r = 0; r < 4; ++r) out[r] = V::load_lanes(p + r * bytes, 4 * bytes);
  V::transpose_quads(out);
}

template <typename V>
void expand_fine(const std::uint8_t* high, const std::uint8_t* low, std::size_t quads,
                 std::uint8_t* tile) noexcept {
  const std::size_t bytes = low_bytes_of(quads);
  const std::size_t low_quads = bytes / 4;
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t b = 0; b < kCodeLine; b += V::kBytes) {
      const std::uint8_t* even = low + (half * 32 + b / 4) * bytes;
      const std::uint8_t* odd = even + 16 * bytes;
      const std::uint8_t* line = high + half * quads * kCodeLine + b;
      std::uint8_t* out = tile + half * 2 * kCodeLine + b;
      for (std::size_t w = 0; w < low_quads; w += 4) {
        typename V::Bytes x[4];
        typename V::Bytes y[4];
        load_low<V>(even + 4 * w, bytes, x);
        load_low<V>(odd + 4 * w, bytes, y);
        const auto write = [&](std::size_t p, typename V::Bytes of_even, typename V::Bytes of_odd) {
          const typename V::Bytes h = V::load_bytes(line + p * kCodeLine);
          V::store_bytes(out + p * kQuadBytes, V::fine(V::up(h), of_even));
          V::store_bytes(out + p * kQuadBytes + kCodeLine, V::fine(h, of_odd));
        };
        MAXDOT_UNROLL
        for (std::size_t k = 0; k < 4; ++k) {
          const std::size_t p = w + k;
          if (p < low_quads) write(p, x[k], y[k]);
          if (low_quads + p < quads) write(low_quads + p, V::down(x[k]), V::down(y[k]));
        }
      }
    }
  }
}

// What lies behind an item's nibbles meets zeros.
template <typename V>
std::int32_t low_product(const std::uint8_t* low, std::size_t quads, const std::int8_t* halves,
                         std::size_t half) noexcept {
  const auto* first = reinterpret_cast<const std::uint8_t*>(halves);
  typename V::Ints sum = V::ints(0);
  typename V::Ints second_sum = V::ints(0);
  for (std::size_t b = 0; b < low_bytes_of(quads); b += V::kBytes) {
    const typename V::Bytes x = V::load_bytes(low + b);
    sum = V::dot4(sum, V::lower(x), V::load_bytes(first + b));
    second_sum = V::dot4(second_sum, V::lower(V::down(x)), V::load_bytes(first + half + b));
  }
  return V::sum_ints(sum, second_sum);
}

template <typename V>
void expand_coarse(const std::uint8_t* high, std::size_t quads, std::uint8_t* tile) noexcept {
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t p = 0; p < quads; ++p) {
      const std::uint8_t* line = high + (half * quads + p) * kCodeLine;
      std::uint8_t* out = tile + p * kQuadBytes + half * 2 * kCodeLine;
      for (std::size_t b = 0; b < kCodeLine; b += V::kBytes) {
        const typename V::Bytes h = V::load_bytes(line + b);
        V::store_bytes(out + b, V::coarse_even(h));
        V::store_bytes(out + kCodeLine + b, V::coarse_odd(h));
      }
    }
  }
}

/// Writes the masks of Q queries whose products stand in dots[q * 64 ...]. Out of line: what calls
/// it holds its sums in registers, which a wider live range would spill.
template <typename V, std::size_t Q>
[[gnu::noinline]] void write_masks(const std::int32_t* limits, const std::int32_t* dots,
                                   std::uint64_t* masks) noexcept {
  constexpr std::size_t kItems = V::kBytes / 4;
  for (std::size_t q = 0; q < Q; ++q) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < kTileItems; i += kItems) {
      mask |= V::reaching(V::load_ints(dots + q * kTileItems + i), limits[q]) << i;
    }
    masks[q] = mask;
  }
}

// Register budget: Q * N sums + N code vectors + 1 query quad (+ a constant and a temporary where
// dot4 is three instructions). AVX-512: 6 * 4 + 4 + 1 = 29 of 32. AVX2: 4 * 2 + 2 + 3 = 13 of 16.
// NEON: 6 * 4 + 4 + 2 = 30 of 32.
template <typename V, std::size_t Q>
[[gnu::noinline]] void screen_codes_block(const std::uint8_t* tile, std::size_t quads,
                                          const std::int8_t* queries, std::size_t stride,
                                          const std::int32_t* start, const std::int32_t* limits,
                                          CodesAhead& ahead, std::uint64_t* masks,
                                          std::int32_t* dots) noexcept {
  const std::uint8_t* fetch = ahead.first;
  const std::ptrdiff_t to_second = ahead.second - ahead.first;
  const std::size_t spared =
      quads > ahead.lines ? quads - ahead.lines : 0;  // of the quads: they fetch no new line
  constexpr std::size_t N = V::kCodeVectors;
  constexpr std::size_t kItems = V::kBytes / 4;
  std::uint64_t any = 0;
  for (std::size_t b = 0; b < kQuadBytes; b += N * V::kBytes) {
    typename V::Ints sum[Q][N];
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) {
      MAXDOT_UNROLL
      for (std::size_t v = 0; v < N; ++v) sum[q][v] = V::ints(start[q]);
    }
    const std::uint8_t* line = tile + b;
    const std::int8_t* element = queries;
    // quads >= 1: without a way around the loop GCC keeps the sums in their registers after it.
    std::size_t left = quads;
    do {
      __builtin_prefetch(fetch, 0, 2);
      __builtin_prefetch(fetch + to_second, 0, 2);
      fetch += left > spared ? kCodeLine : 0;
      typename V::Bytes x[N];
      MAXDOT_UNROLL
      for (std::size_t v = 0; v < N; ++v) x[v] = V::load_bytes(line + v * V::kBytes);
      MAXDOT_UNROLL
      for (std::size_t q = 0; q < Q; ++q) {
        const typename V::Bytes quad = V::broadcast_quad(element + q * stride);
        MAXDOT_UNROLL
        for (std::size_t v = 0; v < N; ++v) sum[q][v] = V::dot4(sum[q][v], x[v], quad);
      }
      line += kQuadBytes;
      element += 4;
    } while (--left != 0);
    // The largest of each lane is compared once: almost always nothing reaches its limit.
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) {
      typename V::Ints most = sum[q][0];
      MAXDOT_UNROLL
      for (std::size_t v = 1; v < N; ++v) most = V::max_ints(most, sum[q][v]);
      any |= V::reaching(most, limits[q]);
    }
    // A tile of one pass whose sums are not needed never leaves the registers.
    if (N * V::kBytes < kQuadBytes || any != 0) {
      MAXDOT_UNROLL
      for (std::size_t q = 0; q < Q; ++q) {
        MAXDOT_UNROLL
        for (std::size_t v = 0; v < N; ++v)
          V::store_ints(dots + q * kTileItems + b / 4 + v * kItems, sum[q][v]);
      }
    }
  }
  ahead.first = fetch;
  ahead.second = fetch + to_second;
  if (any != 0) [[unlikely]] {
    write_masks<V, Q>(limits, dots, masks);
  } else {
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) masks[q] = 0;
  }
}

template <typename V>
void screen_codes(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries,
                  std::size_t stride, std::size_t count, const std::int32_t* start,
                  const std::int32_t* limits, CodesAhead ahead, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  constexpr std::size_t Q = V::kCodeQueries;
  const std::size_t loops = (count + Q - 1) / Q * (kQuadBytes / (V::kCodeVectors * V::kBytes));
  ahead.lines = (ahead.lines + loops - 1) / loops;  // from here on: of each loop over the quads
  std::size_t q = 0;
  const auto block = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
    screen_codes_block<V, N>(tile, quads, queries + q * stride, stride, start + q, limits + q,
                             ahead, masks + q, dots + q * kTileItems);
    q += N;
  };
  while (q + Q <= count) block(std::integral_constant<std::size_t, Q>());
  // Four queries still fill the dot product units; 16 queries are 6 + 6 + 4.
  if constexpr (Q > 4) {
    if (q + 4 <= count) block(std::integral_constant<std::size_t, 4>());
  }
  while (q + 2 <= count) block(std::integral_constant<std::size_t, 2>());
  if (q < count) block(std::integral_constant<std::size_t, 1>());
}

// Straight from the high plane: few queries are bound by memory, so nothing is expanded, and a
// later tile is prefetched into L2: a line on its way to L1 occupies one of few fill buffers. There
// is no branch on the sums: a wrong guess would wait for them. Register budget (Q = 2): 2 * 4 sums
// + 2 lines + 4 groups + 1 quad + 2 constants = 17 of 32; AVX2 spills a few.
template <typename V, std::size_t Q>
void stream_block(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads,
                  const std::int8_t* queries, std::size_t stride, const std::int32_t* start,
                  const std::int32_t* limits, std::uint64_t* masks, std::int32_t* dots) noexcept {
  const std::uint8_t* second = high + quads * kCodeLine;
  for (std::size_t q = 0; q < Q; ++q) masks[q] = 0;
  for (std::size_t b = 0; b < kCodeLine; b += V::kBytes) {
    typename V::Ints sum[Q][4];
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) {
      MAXDOT_UNROLL
      for (std::size_t g = 0; g < 4; ++g) sum[q][g] = V::ints(start[q]);
    }
    for (std::size_t p = 0; p < quads; ++p) {
      const std::size_t at = p * kCodeLine + b;
      if (b == 0) {
        __builtin_prefetch(later + at, 0, 2);
        __builtin_prefetch(later + quads * kCodeLine + at, 0, 2);
      }
      const typename V::Bytes first_line = V::load_bytes(high + at);
      const typename V::Bytes second_line = V::load_bytes(second + at);
      const typename V::Bytes x[4] = {V::coarse_even(first_line), V::coarse_odd(first_line),
                                      V::coarse_even(second_line), V::coarse_odd(second_line)};
      MAXDOT_UNROLL
      for (std::size_t q = 0; q < Q; ++q) {
        const typename V::Bytes quad = V::broadcast_quad(queries + q * stride + 4 * p);
        MAXDOT_UNROLL
        for (std::size_t g = 0; g < 4; ++g) sum[q][g] = V::dot4(sum[q][g], x[g], quad);
      }
    }
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) {
      MAXDOT_UNROLL
      for (std::size_t g = 0; g < 4; ++g) {
        masks[q] |= V::reaching(sum[q][g], limits[q]) << (g * 16 + b / 4);
        V::store_ints(dots + q * kTileItems + g * 16 + b / 4, sum[q][g]);
      }
    }
  }
}

template <typename V>
void stream_codes(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads,
                  const std::int8_t* queries, std::size_t stride, std::size_t count,
                  const std::int32_t* start, const std::int32_t* limits, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  if (count == 1)
    return stream_block<V, 1>(high, later, quads, queries, stride, start, limits, masks, dots);
  stream_block<V, kMaxStreamQueries>(high, later, quads, queries, stride, start, limits, masks,
                                     dots);
}

template <typename V>
constexpr CodeKernels make_code_kernels() noexcept {
  return {V::kMaxQueryCode, V::kCodeOffset,  expand_fine<V>, expand_coarse<V>,
          screen_codes<V>,  stream_codes<V>, low_product<V>, code_limits};
}

}  // namespace
}  // namespace maxdot::kernels
