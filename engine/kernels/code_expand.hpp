// From the planes of nibbles to bytes, one for each code, in the order of the screens; and the dot
// product of one item's low nibbles. Over the vector type of code_kernels.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

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

/// Writes code(high, low) of every byte of the tile: `high` has the high nibble in its upper half,
/// `low` the low one in its lower.
template <typename V, typename Code>
[[gnu::always_inline]] inline void expand_both(const std::uint8_t* high, const std::uint8_t* low,
                                               std::size_t quads, std::uint8_t* tile,
                                               const Code& code) noexcept {
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
          V::store_bytes(out + p * kQuadBytes, code(V::up(h), of_even));
          V::store_bytes(out + p * kQuadBytes + kCodeLine, code(h, of_odd));
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

template <typename V>
void expand_fine(const std::uint8_t* high, const std::uint8_t* low, std::size_t quads,
                 std::uint8_t* tile) noexcept {
  expand_both<V>(high, low, quads, tile,
                 [](typename V::Bytes h, typename V::Bytes l) { return V::fine(h, l); });
}

// What lies behind an item's nibbles meets zeros.
template <typename V>
std::int32_t low_product(const std::uint8_t* low, std::size_t quads, const std::int8_t* halves,
                         std::size_t half, std::uint8_t mask) noexcept {
  const auto* first = reinterpret_cast<const std::uint8_t*>(halves);
  typename V::Ints sum = V::ints(0);
  typename V::Ints second_sum = V::ints(0);
  for (std::size_t b = 0; b < low_bytes_of(quads); b += V::kBytes) {
    const typename V::Bytes x = V::load_bytes(low + b);
    sum = V::dot4(sum, V::lower(x, mask), V::load_bytes(first + b));
    second_sum = V::dot4(second_sum, V::lower(V::down(x), mask), V::load_bytes(first + half + b));
  }
  return V::sum_ints(sum, second_sum);
}

/// The same from the high nibbles alone: even(line) and odd(line) of the two groups in a line.
template <typename V, typename Even, typename Odd>
[[gnu::always_inline]] inline void expand_high(const std::uint8_t* high, std::size_t quads,
                                               std::uint8_t* tile, const Even& even,
                                               const Odd& odd) noexcept {
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t p = 0; p < quads; ++p) {
      const std::uint8_t* line = high + (half * quads + p) * kCodeLine;
      std::uint8_t* out = tile + p * kQuadBytes + half * 2 * kCodeLine;
      for (std::size_t b = 0; b < kCodeLine; b += V::kBytes) {
        const typename V::Bytes h = V::load_bytes(line + b);
        V::store_bytes(out + b, even(h));
        V::store_bytes(out + kCodeLine + b, odd(h));
      }
    }
  }
}

template <typename V>
void expand_coarse(const std::uint8_t* high, std::size_t quads, std::uint8_t* tile) noexcept {
  using Bytes = typename V::Bytes;
  expand_high<V>(
      high, quads, tile, [](Bytes line) { return V::coarse_even(line); },
      [](Bytes line) { return V::coarse_odd(line); });
}

}  // namespace
}  // namespace maxdot::kernels
