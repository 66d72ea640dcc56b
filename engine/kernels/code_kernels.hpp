// The integer kernels of the code screens, written once over a small vector type `V` that each instruction set's file
// defines (store/layout.hpp has the layout):
//
//   V::Bytes, V::kBytes             a vector of 64, 32 or 16 code bytes: 16, 8 or 4 items x 4 dimensions
//   V::load_bytes(p), V::store_bytes(p, b), V::broadcast_quad(p)    4 query codes to every item
//   V::fine_even(high, low), V::fine_odd(high, low)      codes of the two groups that share a line of the planes
//   V::coarse_even(high), V::coarse_odd(high)            the same from the high nibble alone, u = 16h + 8
//   V::Ints, V::ints(i)             i32 sums, one per item
//   V::dot4(sum, codes, query)      sum + the 4 products of each item
//   V::reaching(sum, limit)         bit per item: sum >= limit
//   V::max_ints(a, b), V::load_ints(p), V::store_ints(p, sum)
//   V::kCodeOffset                  what expanded bytes have on top of the signed code: 128, or 0
//   V::kMaxQueryCode                |query code| must not exceed it (dot4 may sum pairs in 16 bits)
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

template <typename V>
void expand_fine(const std::uint8_t* high, const std::uint8_t* low, std::size_t quads, std::uint8_t* tile) noexcept {
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t p = 0; p < quads; ++p) {
      const std::size_t line = (half * quads + p) * kCodeLine;
      std::uint8_t* out = tile + p * kQuadBytes + half * 2 * kCodeLine;
      for (std::size_t b = 0; b < kCodeLine; b += V::kBytes) {
        const typename V::Bytes h = V::load_bytes(high + line + b);
        const typename V::Bytes l = V::load_bytes(low + line + b);
        V::store_bytes(out + b, V::fine_even(h, l));
        V::store_bytes(out + kCodeLine + b, V::fine_odd(h, l));
      }
    }
  }
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

/// Writes the masks of Q queries whose products stand in dots[q * 64 ...]. Out of line: what calls it holds its sums in
/// registers, which a wider live range would spill.
template <typename V, std::size_t Q>
[[gnu::noinline]] void write_masks(const std::int32_t* limits, const std::int32_t* dots, std::uint64_t* masks) noexcept {
  constexpr std::size_t kItems = V::kBytes / 4;
  for (std::size_t q = 0; q < Q; ++q) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < kTileItems; i += kItems) {
      mask |= V::reaching(V::load_ints(dots + q * kTileItems + i), limits[q]) << i;
    }
    masks[q] = mask;
  }
}

// Register budget: Q * N sums + N code vectors + 1 query quad (+ a constant and a temporary where dot4 is three
// instructions). AVX-512: 6 * 4 + 4 + 1 = 29 of 32. AVX2: 4 * 2 + 2 + 3 = 13 of 16. NEON: 6 * 4 + 4 + 2 = 30 of 32.
template <typename V, std::size_t Q>
[[gnu::always_inline]] inline void screen_codes_block(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries, std::size_t stride,
                        const std::int32_t* start, const std::int32_t* limits, std::uint64_t* masks,
                        std::int32_t* dots) noexcept {
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
        for (std::size_t v = 0; v < N; ++v) V::store_ints(dots + q * kTileItems + b / 4 + v * kItems, sum[q][v]);
      }
    }
  }
  if (any != 0) [[unlikely]] {
    write_masks<V, Q>(limits, dots, masks);
  } else {
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) masks[q] = 0;
  }
}

template <typename V>
void screen_codes(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries, std::size_t stride,
                  std::size_t count, const std::int32_t* start, const std::int32_t* limits, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  constexpr std::size_t Q = V::kCodeQueries;
  std::size_t q = 0;
  const auto block = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
    screen_codes_block<V, N>(tile, quads, queries + q * stride, stride, start + q, limits + q, masks + q,
                             dots + q * kTileItems);
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

// Straight from the high plane: few queries are bound by memory, so nothing is written, and a later tile is prefetched
// into L2: a line on its way to L1 occupies one of few fill buffers.
// Register budget (Q = 2): 2 * 4 sums + 2 lines + 4 groups + 1 quad + 2 constants = 17 of 32; AVX2 spills a few.
template <typename V, std::size_t Q>
void stream_block(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads, const std::int8_t* queries, std::size_t stride,
                  const std::int32_t* start, const std::int32_t* limits, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  const std::uint8_t* second = high + quads * kCodeLine;
  std::uint64_t any = 0;
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
      const typename V::Ints most = V::max_ints(V::max_ints(sum[q][0], sum[q][1]), V::max_ints(sum[q][2], sum[q][3]));
      any |= V::reaching(most, limits[q]);
      MAXDOT_UNROLL
      for (std::size_t g = 0; g < 4; ++g) V::store_ints(dots + q * kTileItems + g * 16 + b / 4, sum[q][g]);
    }
  }
  if (any != 0) {
    write_masks<V, Q>(limits, dots, masks);
  } else {
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) masks[q] = 0;
  }
}

template <typename V>
void stream_codes(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads, const std::int8_t* queries, std::size_t stride,
                  std::size_t count, const std::int32_t* start, const std::int32_t* limits, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  if (count == 1) return stream_block<V, 1>(high, later, quads, queries, stride, start, limits, masks, dots);
  stream_block<V, kMaxStreamQueries>(high, later, quads, queries, stride, start, limits, masks, dots);
}

template <typename V>
constexpr CodeKernels make_code_kernels() noexcept {
  return {V::kMaxQueryCode,   V::kCodeOffset,  expand_fine<V>, expand_coarse<V>,
          screen_codes<V>, stream_codes<V>, code_limits};
}

}  // namespace
}  // namespace maxdot::kernels
