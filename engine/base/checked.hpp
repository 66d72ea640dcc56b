// What comes from files and callers: sizes in 64 bits, and values of enumerations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "maxdot/error.hpp"
#include "maxdot/types.hpp"

namespace maxdot::base {

inline std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t r = 0;
  if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
  return r;
}

inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t r = 0;
  if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
  return r;
}

/// Throws Error (invalid_argument) for a value that is none of the enumeration's. The message calls
/// it that of `what`.
inline void check_dtype(DType dtype, const char* what) {
  if (dtype == DType::f32 || dtype == DType::f16) return;
  throw Error(ErrorCode::invalid_argument, std::string(what) + ": dtype " +
                                               std::to_string(static_cast<int>(dtype)) +
                                               " is not a value of maxdot::DType");
}

}  // namespace maxdot::base
