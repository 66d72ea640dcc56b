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
//                               codes of the two groups in a line of high nibbles, without the 8
//                               that all of them have in common
//   V::sixteenth_even(high)     a sixteenth of coarse_even
//   V::sixteenfold(sum), V::add_ints(a, b)
//   V::load_lanes(p, stride)    16 bytes from each of p, p + stride, ...: as many as fill a vector
//   V::transpose_quads(b)       4 x 4 quads within every 16 bytes of 4 vectors
//   V::Ints, V::ints(i)         i32 sums, one per item
//   V::dot4(sum, codes, query)  sum + the 4 products of each item
//   V::reaching(sum, limit)     bit per item: sum >= limit
//   V::max_ints(a, b), V::load_ints(p), V::store_ints(p, sum)
//   V::sum_ints(a, b)           of all elements
//   V::kCodeOffset, V::kCoarseOffset
//                               what expanded bytes have on top of the signed code
//   V::kMaxQueryCode            |query code| must not exceed it (dot4 may sum pairs in 16 bits)
//   V::kCodeQueries, V::kCodeVectors    the register tile of screen_codes
//   V::kNarrow                  whether there are kernels of narrow codes; if so:
//   V::narrow(u, shift)         u >> shift of every byte
//   V::Shorts, V::zero_shorts() i16 sums, two per item
//   V::add_pairs(sum, codes, query)     sum + the products of dimensions 0 and 1, and of 2 and 3
//   V::widen(shorts)            the two sums of each item as one i32
//   V::kNarrowVectors           as kCodeVectors
//
// Sums are exact, so every instruction set returns the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/code_expand.hpp"
#include "kernels/kernels.hpp"

namespace maxdot::kernels {
namespace {

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

/// Calls block(q, number of queries) for blocks of up to Q queries: the number is a constant.
template <std::size_t Q, typename Block>
[[gnu::always_inline]] inline void for_each_block(std::size_t count, const Block& block) noexcept {
  std::size_t q = 0;
  for (; q + Q <= count; q += Q) block(q, std::integral_constant<std::size_t, Q>());
  // Four queries still fill the dot product units; 16 queries are 6 + 6 + 4.
  if constexpr (Q > 4) {
    if (q + 4 <= count) {
      block(q, std::integral_constant<std::size_t, 4>());
      q += 4;
    }
  }
  for (; q + 2 <= count; q += 2) block(q, std::integral_constant<std::size_t, 2>());
  if (q < count) block(q, std::integral_constant<std::size_t, 1>());
}

template <typename V>
void screen_codes(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries,
                  std::size_t stride, std::size_t count, const std::int32_t* start,
                  const std::int32_t* limits, CodesAhead ahead, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  constexpr std::size_t Q = V::kCodeQueries;
  const std::size_t loops = (count + Q - 1) / Q * (kQuadBytes / (V::kCodeVectors * V::kBytes));
  ahead.lines = (ahead.lines + loops - 1) / loops;  // from here on: of each loop over the quads
  for_each_block<Q>(count,
                    [&]<std::size_t N>(std::size_t q, std::integral_constant<std::size_t, N>) {
                      screen_codes_block<V, N>(tile, quads, queries + q * stride, stride, start + q,
                                               limits + q, ahead, masks + q, dots + q * kTileItems);
                    });
}

// [quads] From L2 into L1 ("One query" in docs/measurements.md).
constexpr std::size_t kNearQuads = 16;

/// For kernels that read a tile from its plane, at quad p: fetches the lines of this quad of the
/// tile `later` into L2, and those some quads ahead, of this tile or the next one in memory, from
/// there into L1. A line on its way to L1 occupies one of few fill buffers, so the long way is not
/// made in one step; and a branch on a tile's masks is decided when its last line has arrived.
[[gnu::always_inline]] inline void fetch_ahead(const std::uint8_t* high, const std::uint8_t* later,
                                               std::size_t quads, std::size_t p) noexcept {
  const std::size_t half = quads * kCodeLine;
  __builtin_prefetch(later + p * kCodeLine, 0, 2);
  __builtin_prefetch(later + half + p * kCodeLine, 0, 2);
  const std::size_t near = p + kNearQuads + (p + kNearQuads < quads ? 0 : quads);
  __builtin_prefetch(high + near * kCodeLine, 0, 3);
  __builtin_prefetch(high + half + near * kCodeLine, 0, 3);
}

// Straight from the high plane: few queries are bound by memory, so nothing is expanded. There is
// no branch on the sums: a wrong guess would wait for them. The lower of two groups in a line is
// multiplied as it lies there, a sixteenth of its codes, which saves a shift for each line. Masks
// leave the registers once, at the end: what follows branches on them, and a wrong guess is noticed
// that much sooner ("One query" in docs/measurements.md). Register budget (Q = 2): 2 * 4 sums + 2
// lines + 4 groups + 1 quad + 2 constants = 17 of 32; AVX2 spills a few.
template <typename V, std::size_t Q>
void stream_block(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads,
                  const std::int8_t* queries, std::size_t stride, const std::int32_t* start,
                  const std::int32_t* limits, std::uint64_t* masks, std::int32_t* dots) noexcept {
  const std::uint8_t* second = high + quads * kCodeLine;
  std::int32_t first[Q];
  std::int32_t limit[Q];
  std::uint64_t mask[Q];
  for (std::size_t q = 0; q < Q; ++q) {
    first[q] = start[q];
    limit[q] = limits[q];
    mask[q] = 0;
  }
  for (std::size_t b = 0; b < kCodeLine; b += V::kBytes) {
    typename V::Ints sum[Q][4];
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) {
      MAXDOT_UNROLL
      for (std::size_t g = 0; g < 4; ++g) sum[q][g] = V::ints(g % 2 == 0 ? 0 : first[q]);
    }
    for (std::size_t p = 0; p < quads; ++p) {
      const std::size_t at = p * kCodeLine + b;
      if (b == 0) fetch_ahead(high, later, quads, p);
      const typename V::Bytes first_line = V::load_bytes(high + at);
      const typename V::Bytes second_line = V::load_bytes(second + at);
      const typename V::Bytes x[4] = {V::sixteenth_even(first_line), V::coarse_odd(first_line),
                                      V::sixteenth_even(second_line), V::coarse_odd(second_line)};
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
        const typename V::Ints product =
            g % 2 == 0 ? V::add_ints(V::sixteenfold(sum[q][g]), V::ints(first[q])) : sum[q][g];
        mask[q] |= V::reaching(product, limit[q]) << (g * 16 + b / 4);
        V::store_ints(dots + q * kTileItems + g * 16 + b / 4, product);
      }
    }
  }
  for (std::size_t q = 0; q < Q; ++q) masks[q] = mask[q];
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

}  // namespace
}  // namespace maxdot::kernels
