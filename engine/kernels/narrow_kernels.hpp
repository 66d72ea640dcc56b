// The screens of narrow codes (kernels.hpp), for instruction sets that have no dot product of four
// bytes: pairs of products are added in 16 bits, two instructions for a vector of bytes instead of
// three, and widened once for each span. Over the vector type of code_kernels.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/code_expand.hpp"
#include "kernels/code_kernels.hpp"
#include "kernels/kernels.hpp"

namespace maxdot::kernels {
namespace {

template <typename V>
void expand_narrow(const std::uint8_t* high, const std::uint8_t* low, std::size_t quads, int bits,
                   std::uint8_t* tile) noexcept {
  using Bytes = typename V::Bytes;
  if (bits == kFewestNarrowBits) {
    return expand_high<V>(
        high, quads, tile, [](Bytes line) { return V::lower(line); },
        [](Bytes line) { return V::lower(V::down(line)); });
  }
  const int shift = 8 - bits;
  expand_both<V>(high, low, quads, tile,
                 [shift](Bytes h, Bytes l) { return V::narrow(V::fine(h, l), shift); });
}

// Register budget: Q * N sums + N code vectors + 1 query quad + 1 temporary; sums of 32 bits lie in
// memory. AVX-512: 6 * 4 + 4 + 2 = 30 of 32. AVX2: 4 * 2 + 2 + 2 = 12 of 16.
template <typename V, std::size_t Q>
[[gnu::noinline]] void screen_narrow_block(const std::uint8_t* tile, std::size_t quads,
                                           std::size_t span, const std::int8_t* queries,
                                           std::size_t stride, const std::int32_t* limits,
                                           CodesAhead& ahead, std::uint64_t* masks,
                                           std::int32_t* dots) noexcept {
  const std::uint8_t* fetch = ahead.first;
  const std::ptrdiff_t to_second = ahead.second - ahead.first;
  constexpr std::size_t N = V::kNarrowVectors;
  constexpr std::size_t kItems = V::kBytes / 4;
  std::uint64_t any = 0;
  for (std::size_t b = 0; b < kQuadBytes; b += N * V::kBytes) {
    std::int32_t* out = dots + b / 4;
    const std::uint8_t* line = tile + b;
    const std::int8_t* element = queries;
    std::size_t left = quads;
    do {
      const std::size_t end = left - std::min(left, span);
      const bool first = left == quads;
      // Once for a span: beside 16-bit sums a prefetch for each quad would be felt.
      for (std::size_t l = 0; l < ahead.lines; ++l, fetch += kCodeLine) {
        __builtin_prefetch(fetch, 0, 2);
        __builtin_prefetch(fetch + to_second, 0, 2);
      }
      typename V::Shorts sum[Q][N];
      MAXDOT_UNROLL
      for (std::size_t q = 0; q < Q; ++q) {
        MAXDOT_UNROLL
        for (std::size_t v = 0; v < N; ++v) sum[q][v] = V::zero_shorts();
      }
      do {
        typename V::Bytes x[N];
        MAXDOT_UNROLL
        for (std::size_t v = 0; v < N; ++v) x[v] = V::load_bytes(line + v * V::kBytes);
        MAXDOT_UNROLL
        for (std::size_t q = 0; q < Q; ++q) {
          const typename V::Bytes quad = V::broadcast_quad(element + q * stride);
          MAXDOT_UNROLL
          for (std::size_t v = 0; v < N; ++v) sum[q][v] = V::add_pairs(sum[q][v], x[v], quad);
        }
        line += kQuadBytes;
        element += 4;
      } while (--left != end);
      MAXDOT_UNROLL
      for (std::size_t q = 0; q < Q; ++q) {
        MAXDOT_UNROLL
        for (std::size_t v = 0; v < N; ++v) {
          std::int32_t* to = out + q * kTileItems + v * kItems;
          const typename V::Ints wide = V::widen(sum[q][v]);
          V::store_ints(to, first ? wide : V::add_ints(V::load_ints(to), wide));
        }
      }
    } while (left != 0);
    MAXDOT_UNROLL
    for (std::size_t q = 0; q < Q; ++q) {
      typename V::Ints most = V::load_ints(out + q * kTileItems);
      MAXDOT_UNROLL
      for (std::size_t v = 1; v < N; ++v) {
        most = V::max_ints(most, V::load_ints(out + q * kTileItems + v * kItems));
      }
      any |= V::reaching(most, limits[q]);
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
void screen_narrow(const std::uint8_t* tile, std::size_t quads, int bits,
                   const std::int8_t* queries, std::size_t stride, std::size_t count,
                   const std::int32_t* limits, CodesAhead ahead, std::uint64_t* masks,
                   std::int32_t* dots) noexcept {
  constexpr std::size_t Q = V::kCodeQueries;
  const std::size_t span = narrow_span(bits);
  const std::size_t loops = (count + Q - 1) / Q * (kQuadBytes / (V::kNarrowVectors * V::kBytes)) *
                            ((quads + span - 1) / span);
  ahead.lines = (ahead.lines + loops - 1) / loops;  // from here on: of each span
  for_each_block<Q>(
      count, [&]<std::size_t N>(std::size_t q, std::integral_constant<std::size_t, N>) {
        screen_narrow_block<V, N>(tile, quads, span, queries + q * stride, stride, limits + q,
                                  ahead, masks + q, dots + q * kTileItems);
      });
}

// As stream_block. Register budget (Q = 2): 2 * 4 sums + 4 groups + 1 line + 1 quad + 1 temporary +
// 1 constant = 16 of 16 of AVX2.
template <typename V, std::size_t Q>
void stream_narrow_block(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads,
                         const std::int8_t* queries, std::size_t stride, const std::int32_t* limits,
                         std::uint64_t* masks, std::int32_t* dots) noexcept {
  constexpr std::size_t kSpan = narrow_span(kFewestNarrowBits);
  const std::uint8_t* second = high + quads * kCodeLine;
  std::int32_t limit[Q];
  std::uint64_t mask[Q];
  for (std::size_t q = 0; q < Q; ++q) {
    limit[q] = limits[q];
    mask[q] = 0;
  }
  for (std::size_t b = 0; b < kCodeLine; b += V::kBytes) {
    for (std::size_t begin = 0; begin < quads; begin += kSpan) {
      const std::size_t end = std::min(quads, begin + kSpan);
      typename V::Shorts sum[Q][4];
      MAXDOT_UNROLL
      for (std::size_t q = 0; q < Q; ++q) {
        MAXDOT_UNROLL
        for (std::size_t g = 0; g < 4; ++g) sum[q][g] = V::zero_shorts();
      }
      for (std::size_t p = begin; p < end; ++p) {
        const std::size_t at = p * kCodeLine + b;
        if (b == 0) fetch_ahead(high, later, quads, p);
        const typename V::Bytes first_line = V::load_bytes(high + at);
        const typename V::Bytes second_line = V::load_bytes(second + at);
        const typename V::Bytes x[4] = {V::lower(first_line), V::lower(V::down(first_line)),
                                        V::lower(second_line), V::lower(V::down(second_line))};
        MAXDOT_UNROLL
        for (std::size_t q = 0; q < Q; ++q) {
          const typename V::Bytes quad = V::broadcast_quad(queries + q * stride + 4 * p);
          MAXDOT_UNROLL
          for (std::size_t g = 0; g < 4; ++g) sum[q][g] = V::add_pairs(sum[q][g], x[g], quad);
        }
      }
      MAXDOT_UNROLL
      for (std::size_t q = 0; q < Q; ++q) {
        MAXDOT_UNROLL
        for (std::size_t g = 0; g < 4; ++g) {
          std::int32_t* to = dots + q * kTileItems + g * 16 + b / 4;
          typename V::Ints wide = V::widen(sum[q][g]);
          if (begin != 0) wide = V::add_ints(V::load_ints(to), wide);
          V::store_ints(to, wide);
          if (end == quads) mask[q] |= V::reaching(wide, limit[q]) << (g * 16 + b / 4);
        }
      }
    }
  }
  for (std::size_t q = 0; q < Q; ++q) masks[q] = mask[q];
}

template <typename V>
void stream_narrow(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads,
                   const std::int8_t* queries, std::size_t stride, std::size_t count,
                   const std::int32_t* limits, std::uint64_t* masks, std::int32_t* dots) noexcept {
  if (count == 1)
    return stream_narrow_block<V, 1>(high, later, quads, queries, stride, limits, masks, dots);
  stream_narrow_block<V, kMaxStreamQueries>(high, later, quads, queries, stride, limits, masks,
                                            dots);
}

template <typename V>
constexpr NarrowKernels make_narrow_kernels() noexcept {
  if constexpr (V::kNarrow) {
    return {expand_narrow<V>, screen_narrow<V>, stream_narrow<V>};
  } else {
    return {nullptr, nullptr, nullptr};
  }
}

}  // namespace
}  // namespace maxdot::kernels
