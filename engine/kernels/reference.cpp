// The specification of every kernel. Plain loops; compiled with -ffp-contract=off.

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/f16.hpp"
#include "kernels/code_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/softmax_constants.hpp"

namespace maxdot::kernels {
namespace {

template <DType T>
float element(const void* x, std::size_t i) noexcept {
  if constexpr (T == DType::f32) {
    return static_cast<const float*>(x)[i];
  } else {
    return base::f16_to_f32(static_cast<const std::uint16_t*>(x)[i]);
  }
}

// A product of two f32 is exact in f64 (24 + 24 <= 53 bits, and the exponent range is ample), so
// fusing it with the addition, as the vector kernels do, cannot change a bit.
template <DType T>
double dot64(const float* q, const void* x, std::size_t d) noexcept {
  double lane[8] = {};
  for (std::size_t j = 0; j < d; ++j) {
    lane[j % 8] += static_cast<double>(q[j]) * static_cast<double>(element<T>(x, j));
  }
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

template <DType T>
void dot64_four(const float* const* q, const void* const* x, std::size_t d, double* dots) noexcept {
  for (std::size_t r = 0; r < 4; ++r) dots[r] = dot64<T>(q[r], x[r], d);
}

template <DType T>
void pack_panel(const void* rows, std::size_t n, std::size_t d, float* panel) noexcept {
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t i = 0; i < kTileItems; ++i)
      panel[j * kTileItems + i] = i < n ? element<T>(rows, i * d + j) : 0.0F;
  }
}

std::uint64_t survives(float a, const TileTerms& terms, std::size_t i, float query_bias,
                       float threshold) noexcept {
  const float bound = a * terms.scale[i] + (query_bias * terms.bias[i] + terms.slack[i]);
  return bound < threshold ? 0 : std::uint64_t{1} << i;
}

void screen_panel(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                  std::size_t count, const TileTerms& terms, const float* query_bias,
                  const float* threshold, std::uint64_t* masks) noexcept {
  for (std::size_t q = 0; q < count; ++q) {
    masks[q] = 0;
    for (std::size_t i = 0; i < kTileItems; ++i) {
      float a = 0.0F;
      for (std::size_t j = 0; j < d; ++j) a += queries[q * stride + j] * panel[j * kTileItems + i];
      masks[q] |= survives(a, terms, i, query_bias[q], threshold[q]);
    }
  }
}

template <DType T>
std::uint64_t screen_rows(const void* rows, std::size_t n, std::size_t d, const float* query,
                          const TileTerms& terms, float query_bias, float threshold) noexcept {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < n; ++i) {
    float a = 0.0F;
    for (std::size_t j = 0; j < d; ++j) a += query[j] * element<T>(rows, i * d + j);
    mask |= survives(a, terms, i, query_bias, threshold);
  }
  return mask;
}

/// Of item i, dimension j, as store/layout.hpp has it.
int coarse_code(const std::uint8_t* high, std::size_t quads, std::size_t i,
                std::size_t j) noexcept {
  const std::size_t at = (i / 32 * quads + j / 4) * 64 + i % 16 * 4 + j % 4;
  return ((high[at] >> (i / 16 % 2 == 0 ? 0 : 4)) & 15) * 16 - 120;
}

/// Of dimension j of the item whose low nibbles these are.
int low_nibble(const std::uint8_t* low, std::size_t quads, std::size_t j) noexcept {
  const std::size_t bytes = (quads + 1) / 2 * 4;
  return j < bytes ? low[j] & 15 : low[j - bytes] >> 4;
}

// The reference's expanded tile holds signed codes, item by item.
void expand_fine(const std::uint8_t* high, const std::uint8_t* low, std::size_t quads,
                 std::uint8_t* tile) noexcept {
  const std::size_t bytes = (quads + 1) / 2 * 4;
  for (std::size_t i = 0; i < kTileItems; ++i) {
    for (std::size_t j = 0; j < 4 * quads; ++j) {
      const int code = coarse_code(high, quads, i, j) - 8 + low_nibble(low + i * bytes, quads, j);
      tile[i * 4 * quads + j] = static_cast<std::uint8_t>(code);
    }
  }
}

std::int32_t low_product(const std::uint8_t* low, std::size_t quads, const std::int8_t* halves,
                         std::size_t half, std::uint8_t mask) noexcept {
  const std::size_t bytes = (quads + 1) / 2 * 4;
  std::int32_t sum = 0;
  for (std::size_t j = 0; j < 4 * quads; ++j) {
    sum += (low_nibble(low, quads, j) & mask) * (j < bytes ? halves[j] : halves[half + j - bytes]);
  }
  return sum;
}

void expand_coarse(const std::uint8_t* high, std::size_t quads, std::uint8_t* tile) noexcept {
  for (std::size_t i = 0; i < kTileItems; ++i) {
    for (std::size_t j = 0; j < 4 * quads; ++j) {
      tile[i * 4 * quads + j] = static_cast<std::uint8_t>(coarse_code(high, quads, i, j));
    }
  }
}

void screen_codes(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries,
                  std::size_t stride, std::size_t count, const std::int32_t* start,
                  const std::int32_t* limits, CodesAhead /*ahead*/, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  for (std::size_t q = 0; q < count; ++q) {
    masks[q] = 0;
    for (std::size_t i = 0; i < kTileItems; ++i) {
      std::int32_t sum = start[q];
      for (std::size_t j = 0; j < 4 * quads; ++j) {
        sum += queries[q * stride + j] * static_cast<std::int8_t>(tile[i * 4 * quads + j]);
      }
      dots[q * kTileItems + i] = sum;
      if (sum >= limits[q]) masks[q] |= std::uint64_t{1} << i;
    }
  }
}

void stream_codes(const std::uint8_t* high, const std::uint8_t* /*later*/, std::size_t quads,
                  const std::int8_t* queries, std::size_t stride, std::size_t count,
                  const std::int32_t* start, const std::int32_t* limits, std::uint64_t* masks,
                  std::int32_t* dots) noexcept {
  for (std::size_t q = 0; q < count; ++q) {
    masks[q] = 0;
    for (std::size_t i = 0; i < kTileItems; ++i) {
      std::int32_t sum = start[q];
      for (std::size_t j = 0; j < 4 * quads; ++j)
        sum += queries[q * stride + j] * coarse_code(high, quads, i, j);
      dots[q * kTileItems + i] = sum;
      if (sum >= limits[q]) masks[q] |= std::uint64_t{1} << i;
    }
  }
}

void nothing() noexcept {}

void logits_panel(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                  std::size_t count, const float* scale, const float* bias,
                  float* logits) noexcept {
  for (std::size_t q = 0; q < count; ++q) {
    for (std::size_t i = 0; i < kTileItems; ++i) {
      float a = 0.0F;
      for (std::size_t j = 0; j < d; ++j)
        a = std::fma(queries[q * stride + j], panel[j * kTileItems + i], a);
      logits[q * kTileItems + i] = std::fma(a, scale[i], bias[i]);
    }
  }
}

// The integer that kRoundingMagic left in the lowest bits of t moves into the exponent of p.
float times_power_of_two(float p, float t) noexcept {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) +
                              (std::bit_cast<std::uint32_t>(t) << 23));
}

float exp_of(float x) noexcept {
  if (!(x >= kExpLimit)) return 0.0F;
  const float t = std::fma(x, kLog2E, kRoundingMagic);
  const float n = t - kRoundingMagic;
  const float r = std::fma(n, -kLn2Low, std::fma(n, -kLn2High, x));
  float p = kExpPolynomial[0];
  for (std::size_t i = 1; i < 6; ++i) p = std::fma(p, r, kExpPolynomial[i]);
  return times_power_of_two(std::fma(p, r * r, r) + 1.0F, t);
}

void accumulate_exp(const float* logits, std::size_t count, SoftmaxState* states) noexcept {
  for (std::size_t q = 0; q < count; ++q, logits += kTileItems) {
    for (std::size_t l = 0; l < kSoftmaxLanes; ++l) {
      const float x[4] = {logits[l], logits[l + 16], logits[l + 32], logits[l + 48]};
      SoftmaxState& state = states[q];
      const float peak = std::max(std::max(x[0], x[1]), std::max(x[2], x[3]));
      const float largest = peak > state.largest[l] + kLargestStep ? peak : state.largest[l];
      const float factor = exp_of(state.largest[l] - largest);
      const float sum = state.sum[l] * factor;
      const float e[4] = {exp_of(x[0] - largest), exp_of(x[1] - largest), exp_of(x[2] - largest),
                          exp_of(x[3] - largest)};
      const float term = ((e[0] + e[1]) + (e[2] + e[3])) - state.lost[l] * factor;
      const float next = sum + term;
      state.lost[l] = (next - sum) - term;
      state.sum[l] = next;
      state.largest[l] = largest;
    }
  }
}

}  // namespace

const KernelTable& reference_table() noexcept {
  static const KernelTable table = {
      "reference",
      {dot64<DType::f32>, dot64<DType::f16>},
      {dot64_four<DType::f32>, dot64_four<DType::f16>},
      {pack_panel<DType::f32>, pack_panel<DType::f16>},
      screen_panel,
      {screen_rows<DType::f32>, screen_rows<DType::f16>},
      logits_panel,
      accumulate_exp,
      {.query_padding = 4,
       .begin = nothing,
       .end = nothing,
       .max_query_code = 127,
       .offset = 0,
       .coarse_offset = 0,
       .expand_fine = expand_fine,
       .expand_coarse = expand_coarse,
       .screen_codes = screen_codes,
       .stream_codes = stream_codes,
       .low_product = low_product,
       .narrow = {nullptr, nullptr, nullptr},
       .limits = code_limits},
  };
  return table;
}

}  // namespace maxdot::kernels
