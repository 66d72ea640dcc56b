// Hashing of ids that users can choose. Whoever knows a hash can choose ids that meet in one slot
// of a table, so that each look-up walks through all of them: a secret makes that a matter of luck.
#pragma once

#include <cstdint>

namespace maxdot::base {

/// A bijection of 64 bits for each secret (MurmurHash3's finaliser): every bit of the result
/// depends on every bit of `value` and of `secret`.
constexpr std::uint64_t mix(std::uint64_t value, std::uint64_t secret) noexcept {
  value ^= secret;
  value = (value ^ value >> 33) * 0xFF51AFD7ED558CCDU;
  value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53U;
  return value ^ value >> 33;
}

/// Drawn once in each process. Nothing that a caller sees may depend on it.
std::uint64_t process_secret() noexcept;

}  // namespace maxdot::base
