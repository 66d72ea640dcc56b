// IEEE binary16 to f32, exact, in portable code. The kernels have their own vector versions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "maxdot/types.hpp"

namespace maxdot::base {

inline float f16_to_f32(std::uint16_t h) noexcept {
  const std::uint32_t sign = (h & 0x8000U) << 16;
  const std::uint32_t exponent = (h >> 10) & 0x1fU;
  const std::uint32_t mantissa = h & 0x3ffU;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Zero or denormal: mantissa * 2^-24, which f32 holds exactly as a normal number.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

/// Writes the `d` values of a row as f32, exactly. The row needs no alignment.
inline void to_f32(const void* row, DType dtype, std::size_t d, float* out) noexcept {
  if (dtype == DType::f32) {
    std::memcpy(out, row, d * sizeof(float));
    return;
  }
  const auto* bytes = static_cast<const unsigned char*>(row);
  for (std::size_t j = 0; j < d; ++j) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes + j * sizeof(half), sizeof(half));
    out[j] = f16_to_f32(half);
  }
}

inline bool f16_is_finite(std::uint16_t h) noexcept { return (h & 0x7c00U) != 0x7c00U; }

}  // namespace maxdot::base
