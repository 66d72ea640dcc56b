// The specification of every kernel. Plain loops; compiled with -ffp-contract=off.

#include <algorithm>
#include <cmath>

#include "base/f16.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/reference.hpp"

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

// A product of two f32 is exact in f64 (24 + 24 <= 53 bits, and the exponent range is ample), so fusing it with the
// addition, as the vector kernels do, cannot change a bit.
template <DType T>
double dot64(const float* q, const void* x, std::size_t d) noexcept {
  double lane[8] = {};
  for (std::size_t j = 0; j < d; ++j) {
    lane[j % 8] += static_cast<double>(q[j]) * static_cast<double>(element<T>(x, j));
  }
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

template <DType T>
void pack_panel(const void* rows, std::size_t n, std::size_t d, float* panel) noexcept {
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t i = 0; i < kTileItems; ++i) panel[j * kTileItems + i] = i < n ? element<T>(rows, i * d + j) : 0.0F;
  }
}

std::uint64_t survives(float a, const TileTerms& terms, std::size_t i, float query_bias, float threshold) noexcept {
  const float bound = a * terms.scale[i] + (query_bias * terms.bias[i] + terms.slack[i]);
  return bound < threshold ? 0 : std::uint64_t{1} << i;
}

void screen_panel(const float* panel, std::size_t d, const float* queries, std::size_t stride, std::size_t count,
                  const TileTerms& terms, const float* query_bias, const float* threshold,
                  std::uint64_t* masks) noexcept {
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
std::uint64_t screen_rows(const void* rows, std::size_t n, std::size_t d, const float* query, const TileTerms& terms,
                          float query_bias, float threshold) noexcept {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < n; ++i) {
    float a = 0.0F;
    for (std::size_t j = 0; j < d; ++j) a += query[j] * element<T>(rows, i * d + j);
    mask |= survives(a, terms, i, query_bias, threshold);
  }
  return mask;
}

}  // namespace

const KernelTable& reference_table() noexcept {
  static const KernelTable table = {
      "reference",
      {dot64<DType::f32>, dot64<DType::f16>},
      {pack_panel<DType::f32>, pack_panel<DType::f16>},
      screen_panel,
      {screen_rows<DType::f32>, screen_rows<DType::f16>},
  };
  return table;
}

}  // namespace maxdot::kernels

namespace maxdot::reference {

double dot64(const float* q, const float* x, std::size_t d) noexcept {
  return kernels::reference_table().dot64[0](q, x, d);
}

}  // namespace maxdot::reference
