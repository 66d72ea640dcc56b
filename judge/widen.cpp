#include "judge/widen.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace maxdot::judge {
namespace {

// IEEE 754 binary16 to binary32, exact. Written here and not borrowed from the engine: what checks
// the engine must not share its conversions.
float half_to_float(std::uint16_t half) noexcept {
  const bool negative = (half >> 15) != 0;
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  float magnitude = 0.0F;
  if (exponent == 31) {
    const std::uint32_t bits = 0x7f800000U | (static_cast<std::uint32_t>(fraction) << 13);
    magnitude = std::bit_cast<float>(bits);
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return negative ? -magnitude : magnitude;
}

const std::array<float, 65536>& halves() noexcept {
  static const std::array<float, 65536> table = [] {
    std::array<float, 65536> made = {};
    for (std::size_t half = 0; half < made.size(); ++half)
      made[half] = half_to_float(static_cast<std::uint16_t>(half));
    return made;
  }();
  return table;
}

// A row may lie at any address.
template <typename Stored>
Stored load(const unsigned char* at) noexcept {
  Stored value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

template <typename To>
void widen(const MatrixView& rows, std::size_t r, To* out) noexcept {
  const auto* values = static_cast<const unsigned char*>(rows.row(r));
  if (rows.dtype == DType::f32) {
    for (std::size_t j = 0; j < rows.cols; ++j)
      out[j] = static_cast<To>(load<float>(values + j * sizeof(float)));
    return;
  }
  const std::array<float, 65536>& table = halves();
  for (std::size_t j = 0; j < rows.cols; ++j) {
    out[j] = static_cast<To>(table[load<std::uint16_t>(values + j * sizeof(std::uint16_t))]);
  }
}

}  // namespace

void widen_row(const MatrixView& rows, std::size_t r, float* out) noexcept { widen(rows, r, out); }
void widen_row(const MatrixView& rows, std::size_t r, double* out) noexcept { widen(rows, r, out); }

}  // namespace maxdot::judge
