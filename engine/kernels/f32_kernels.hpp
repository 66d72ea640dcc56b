// The f32 and f64 kernels, written once over a small vector type `V` that each instruction set's
// file defines:
//
//   V::Float                        xsimd batch of V::kWidth floats (4, 8 or 16)
//   V::fma(a, b, c)                 a * b + c in one rounding
//   V::load_f16(p)                  kWidth halves to floats
//   V::survivors(u, threshold)      bit per lane, set unless u < threshold (NaN sets it)
//   V::sum(a)                       sum of the lanes
//   V::interleave_low(a, b), V::interleave_high(a, b)   a0 b0 a1 b1 ... of the lower, upper halves
//   V::Doubles, V::accumulate, V::accumulate_f16, V::finish     the 8 f64 lanes of dot64
//   V::accumulate_tail              the same of the first n < 8 values; reads no others
//   V::kPanelQueries, V::kPanelVectors   the register tile of screen_panel
//
// Everything is in an unnamed namespace: each instruction set's translation unit gets copies of its
// own, and no wide instruction leaks into a function that the linker might share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/code_table.hpp"
#include "kernels/kernels.hpp"
#include "kernels/softmax_kernels.hpp"

namespace maxdot::kernels {
namespace {

template <typename V, DType T>
struct RowReader;

template <typename V>
struct RowReader<V, DType::f32> {
  static constexpr std::size_t kBytes = 4;
  static typename V::Float load(const unsigned char* p) noexcept {
    return V::Float::load_unaligned(reinterpret_cast<const float*>(p));
  }
  static void accumulate(typename V::Doubles& lanes, const float* q,
                         const unsigned char* x) noexcept {
    V::accumulate(lanes, q, reinterpret_cast<const float*>(x));
  }
  static void accumulate_tail(typename V::Doubles& lanes, const float* q, const unsigned char* x,
                              std::size_t n) noexcept {
    V::accumulate_tail(lanes, q, reinterpret_cast<const float*>(x), n);
  }
};

template <typename V>
struct RowReader<V, DType::f16> {
  static constexpr std::size_t kBytes = 2;
  static typename V::Float load(const unsigned char* p) noexcept {
    return V::load_f16(reinterpret_cast<const std::uint16_t*>(p));
  }
  static void accumulate(typename V::Doubles& lanes, const float* q,
                         const unsigned char* x) noexcept {
    V::accumulate_f16(lanes, q, reinterpret_cast<const std::uint16_t*>(x));
  }
  static void accumulate_tail(typename V::Doubles& lanes, const float* q, const unsigned char* x,
                              std::size_t n) noexcept {
    float q_tail[8] = {};
    std::uint16_t x_tail[8] = {};
    std::memcpy(q_tail, q, n * sizeof(float));
    std::memcpy(x_tail, x, n * sizeof(std::uint16_t));
    V::accumulate_f16(lanes, q_tail, x_tail);
  }
};

// Eight f64 lanes, lane = j mod 8, as the specification says. The tail is padded with zeros: adding
// +0 to a lane changes nothing (a lane that started at +0 is never -0).
template <typename V, DType T>
double dot64(const float* q, const void* x, std::size_t d) noexcept {
  using Reader = RowReader<V, T>;
  const auto* row = static_cast<const unsigned char*>(x);
  typename V::Doubles lanes = V::zero_doubles();
  std::size_t j = 0;
  for (; j + 8 <= d; j += 8) Reader::accumulate(lanes, q + j, row + j * Reader::kBytes);
  if (j < d) Reader::accumulate_tail(lanes, q + j, row + j * Reader::kBytes, d - j);
  return V::finish(lanes);
}

// A lane waits for its previous sum: four pairs hide each other's latency.
// Register budget: 4 lanes + 2 converted (AVX2: 8 + 2).
template <typename V, DType T>
void dot64_four(const float* const* q, const void* const* x, std::size_t d, double* dots) noexcept {
  using Reader = RowReader<V, T>;
  typename V::Doubles lanes[4];
  const unsigned char* row[4];
  MAXDOT_UNROLL
  for (std::size_t r = 0; r < 4; ++r) {
    lanes[r] = V::zero_doubles();
    row[r] = static_cast<const unsigned char*>(x[r]);
  }
  std::size_t j = 0;
  for (; j + 8 <= d; j += 8) {
    MAXDOT_UNROLL
    for (std::size_t r = 0; r < 4; ++r)
      Reader::accumulate(lanes[r], q[r] + j, row[r] + j * Reader::kBytes);
  }
  MAXDOT_UNROLL
  for (std::size_t r = 0; r < 4; ++r) {
    if (j < d) Reader::accumulate_tail(lanes[r], q[r] + j, row[r] + j * Reader::kBytes, d - j);
    dots[r] = V::finish(lanes[r]);
  }
}

// kWidth rows x kWidth dimensions at a time, transposed in registers: interleaving vector i with
// vector i + kWidth/2, log2(kWidth) times over, is a transposition. Rows that are absent count as
// zero.
template <typename V, DType T>
void pack_panel(const void* rows, std::size_t n, std::size_t d, float* panel) noexcept {
  using Float = typename V::Float;
  using Reader = RowReader<V, T>;
  constexpr std::size_t W = V::kWidth;
  const auto* base = static_cast<const unsigned char*>(rows);
  for (std::size_t i0 = 0; i0 < kTileItems; i0 += W) {
    for (std::size_t j0 = 0; j0 < d; j0 += W) {
      Float v[W];
      Float w[W];
      for (std::size_t i = 0; i < W; ++i) {
        v[i] = i0 + i < n ? Reader::load(base + ((i0 + i) * d + j0) * Reader::kBytes) : Float(0.0F);
      }
      for (std::size_t round = 1; round < W; round *= 2) {
        for (std::size_t i = 0; i < W / 2; ++i) {
          w[2 * i] = V::interleave_low(v[i], v[i + W / 2]);
          w[2 * i + 1] = V::interleave_high(v[i], v[i + W / 2]);
        }
        for (std::size_t i = 0; i < W; ++i) v[i] = w[i];
      }
      const std::size_t width = d - j0 < W ? d - j0 : W;
      for (std::size_t j = 0; j < width; ++j)
        v[j].store_aligned(panel + (j0 + j) * kTileItems + i0);
    }
  }
}

template <typename V>
std::uint64_t survivors_of(typename V::Float a, const TileTerms& terms, std::size_t i,
                           float query_bias, float threshold) noexcept {
  using Float = typename V::Float;
  const Float offset = V::fma(Float(query_bias), Float::load_aligned(terms.bias + i),
                              Float::load_aligned(terms.slack + i));
  const Float bound = V::fma(a, Float::load_aligned(terms.scale + i), offset);
  return V::survivors(bound, Float(threshold)) << i;
}

template <typename V, std::size_t Q>
void screen_block(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                  const TileTerms& terms, const float* query_bias, const float* threshold,
                  std::uint64_t* masks) noexcept {
  using Float = typename V::Float;
  constexpr std::size_t kVectors = V::kPanelVectors;
  constexpr std::size_t kItems = kVectors * V::kWidth;
  for (std::size_t q = 0; q < Q; ++q) masks[q] = 0;
  for (std::size_t i0 = 0; i0 < kTileItems; i0 += kItems) {
    Float sum[Q][kVectors];
    panel_dots<V, Q>(panel + i0, d, queries, stride, sum);
    for (std::size_t q = 0; q < Q; ++q) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        masks[q] |=
            survivors_of<V>(sum[q][v], terms, i0 + v * V::kWidth, query_bias[q], threshold[q]);
      }
    }
  }
}

template <typename V>
void screen_panel(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                  std::size_t count, const TileTerms& terms, const float* query_bias,
                  const float* threshold, std::uint64_t* masks) noexcept {
  constexpr std::size_t Q = V::kPanelQueries;
  std::size_t q = 0;
  for (; q + Q <= count; q += Q) {
    screen_block<V, Q>(panel, d, queries + q * stride, stride, terms, query_bias + q, threshold + q,
                       masks + q);
  }
  for (; q + 2 <= count; q += 2) {
    screen_block<V, 2>(panel, d, queries + q * stride, stride, terms, query_bias + q, threshold + q,
                       masks + q);
  }
  if (q < count) {
    screen_block<V, 1>(panel, d, queries + q * stride, stride, terms, query_bias + q, threshold + q,
                       masks + q);
  }
}

// One query: four rows at a time along the dimension, so that four sums are in flight. The last
// vector of a row reads into what follows it; the query is zero there, and if the foreign bytes
// happen to be a NaN or Inf the item survives.
template <typename V, DType T>
std::uint64_t screen_rows(const void* rows, std::size_t n, std::size_t d, const float* query,
                          const TileTerms& terms, float query_bias, float threshold) noexcept {
  using Float = typename V::Float;
  using Reader = RowReader<V, T>;
  constexpr std::size_t kRows = 4;
  alignas(64) float a[kTileItems] = {};
  const auto* row = static_cast<const unsigned char*>(rows);
  const std::size_t row_bytes = d * Reader::kBytes;
  std::size_t i = 0;
  for (; i + kRows <= n; i += kRows, row += kRows * row_bytes) {
    Float sum[kRows] = {Float(0.0F), Float(0.0F), Float(0.0F), Float(0.0F)};
    for (std::size_t j = 0; j < d; j += V::kWidth) {
      const Float element = Float::load_aligned(query + j);
      for (std::size_t r = 0; r < kRows; ++r) {
        // A scan is one long stream: 4 KiB ahead is fetched. ("Rows, one query" in
        // docs/measurements.md)
        __builtin_prefetch(row + r * row_bytes + j * Reader::kBytes + 4096);
        sum[r] = V::fma(Reader::load(row + r * row_bytes + j * Reader::kBytes), element, sum[r]);
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) a[i + r] = V::sum(sum[r]);
  }
  for (; i < n; ++i, row += row_bytes) {
    Float sum(0.0F);
    for (std::size_t j = 0; j < d; j += V::kWidth) {
      sum = V::fma(Reader::load(row + j * Reader::kBytes), Float::load_aligned(query + j), sum);
    }
    a[i] = V::sum(sum);
  }
  std::uint64_t mask = 0;
  for (std::size_t v = 0; v < kTileItems; v += V::kWidth) {
    mask |= survivors_of<V>(Float::load_aligned(a + v), terms, v, query_bias, threshold);
  }
  return mask;
}

template <typename V>
constexpr KernelTable make_table(const char* name) noexcept {
  return {
      name,
      {dot64<V, DType::f32>, dot64<V, DType::f16>},
      {dot64_four<V, DType::f32>, dot64_four<V, DType::f16>},
      {pack_panel<V, DType::f32>, pack_panel<V, DType::f16>},
      screen_panel<V>,
      {screen_rows<V, DType::f32>, screen_rows<V, DType::f16>},
      logits_panel<V>,
      accumulate_exp<V>,
      make_code_kernels<V>(),
  };
}

}  // namespace
}  // namespace maxdot::kernels
