// The kernels of the softmax over an index, written once over the vector type `V` of
// f32_kernels.hpp, which also has
//
//   V::max(a, b)
//   V::any_above(a, b)              whether a > b in any lane
//   V::times_power_of_two(p, t)     p * 2^n where t = 1.5 * 2^23 + n (n: the lowest bits of t)
//   V::zero_below(value, x, limit)  value where x >= limit, else +0
//
// Every step is one IEEE operation on 16 lanes in a fixed order, so all instruction sets give the
// same bits as the reference, whatever their width.
#pragma once

#include <cstddef>

#include "kernels/kernels.hpp"
#include "kernels/softmax_constants.hpp"

namespace maxdot::kernels {
namespace {

/// Dot products of Q queries with kPanelVectors vectors of items; each sum takes its products in
/// ascending j, fused. Register budget: Q * N accumulators + N panel vectors + 1 broadcast query
/// element.
///   AVX-512: 6 * 4 + 4 + 1 = 29 of 32.  AVX2: 6 * 2 + 2 + 1 = 15 of 16.  NEON: as AVX-512.
template <typename V, std::size_t Q>
inline __attribute__((always_inline)) void panel_dots(
    const float* line, std::size_t d, const float* queries, std::size_t stride,
    typename V::Float (&sum)[Q][V::kPanelVectors]) noexcept {
  using Float = typename V::Float;
  constexpr std::size_t kVectors = V::kPanelVectors;
  for (std::size_t q = 0; q < Q; ++q) {
    for (std::size_t v = 0; v < kVectors; ++v) sum[q][v] = Float(0.0F);
  }
  // d >= 1: without a way around the loop GCC keeps the sums in their registers after it.
  std::size_t j = 0;
  do {
    Float x[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) x[v] = Float::load_aligned(line + v * V::kWidth);
    for (std::size_t q = 0; q < Q; ++q) {
      const Float element(queries[q * stride + j]);
      for (std::size_t v = 0; v < kVectors; ++v) sum[q][v] = V::fma(element, x[v], sum[q][v]);
    }
    line += kTileItems;
  } while (++j < d);
}

template <typename V, std::size_t Q>
void logits_block(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                  const float* scale, const float* bias, float* logits) noexcept {
  using Float = typename V::Float;
  constexpr std::size_t kVectors = V::kPanelVectors;
  for (std::size_t i0 = 0; i0 < kTileItems; i0 += kVectors * V::kWidth) {
    Float sum[Q][kVectors];
    panel_dots<V, Q>(panel + i0, d, queries, stride, sum);
    for (std::size_t q = 0; q < Q; ++q) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const std::size_t i = i0 + v * V::kWidth;
        const Float logit =
            V::fma(sum[q][v], Float::load_aligned(scale + i), Float::load_aligned(bias + i));
        logit.store_aligned(logits + q * kTileItems + i);
      }
    }
  }
}

template <typename V>
void logits_panel(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                  std::size_t count, const float* scale, const float* bias,
                  float* logits) noexcept {
  constexpr std::size_t Q = V::kPanelQueries;
  std::size_t q = 0;
  for (; q + Q <= count; q += Q) {
    logits_block<V, Q>(panel, d, queries + q * stride, stride, scale, bias,
                       logits + q * kTileItems);
  }
  for (; q < count; ++q) {
    logits_block<V, 1>(panel, d, queries + q * stride, stride, scale, bias,
                       logits + q * kTileItems);
  }
}

/// e^x for x <= kLargestStep; exactly 1 at 0 and exactly 0 below kExpLimit. Cephes' expf reduction
/// and polynomial.
template <typename V>
inline __attribute__((always_inline)) typename V::Float exp_of(typename V::Float x) noexcept {
  using Float = typename V::Float;
  const Float magic(kRoundingMagic);
  const Float t = V::fma(x, Float(kLog2E), magic);
  const Float n = t - magic;
  const Float r = V::fma(n, Float(-kLn2Low), V::fma(n, Float(-kLn2High), x));
  Float p(kExpPolynomial[0]);
  for (std::size_t i = 1; i < 6; ++i) p = V::fma(p, r, Float(kExpPolynomial[i]));
  p = V::fma(p, r * r, r) + Float(1.0F);
  return V::zero_below(V::times_power_of_two(p, t), x, Float(kExpLimit));
}

/// One query, 16 lanes at a time: the sum of lane l takes items l, l + 16, l + 32 and l + 48.
/// Register budget for one vector of lanes: 4 logits, 3 of state, 8 constants, a few temporaries.
template <typename V>
void accumulate_exp(const float* logits, std::size_t count, SoftmaxState* states) noexcept {
  using Float = typename V::Float;
  for (std::size_t q = 0; q < count; ++q, logits += kTileItems) {
    for (std::size_t l = 0; l < kSoftmaxLanes; l += V::kWidth) {
      Float x[4];
      for (std::size_t v = 0; v < 4; ++v)
        x[v] = Float::load_aligned(logits + v * kSoftmaxLanes + l);
      SoftmaxState& state = states[q];
      Float largest = Float::load_aligned(state.largest + l);
      Float sum = Float::load_aligned(state.sum + l);
      Float lost = Float::load_aligned(state.lost + l);
      const Float peak = V::max(V::max(x[0], x[1]), V::max(x[2], x[3]));
      const Float limit = largest + Float(kLargestStep);
      if (V::any_above(
              peak,
              limit)) {  // rare after the first tiles; for the other lanes the factor is exactly 1
        const Float risen = select(peak > limit, peak, largest);
        const Float factor = exp_of<V>(largest - risen);
        sum = sum * factor;
        lost = lost * factor;
        largest = risen;
        largest.store_aligned(state.largest + l);
      }
      Float e[4];
      for (std::size_t v = 0; v < 4; ++v) e[v] = exp_of<V>(x[v] - largest);
      const Float term = ((e[0] + e[1]) + (e[2] + e[3])) - lost;
      const Float next = sum + term;
      ((next - sum) - term).store_aligned(state.lost + l);
      next.store_aligned(state.sum + l);
    }
  }
}

}  // namespace
}  // namespace maxdot::kernels
