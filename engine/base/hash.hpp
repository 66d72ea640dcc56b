// Hashing of ids that users can choose. Whoever knows a hash can choose ids that meet in one slot
// of a table, so that each look-up walks through all of them: a secret makes that a matter of luck.
#pragma once

#include <sys/random.h>

#include <chrono>
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
inline std::uint64_t process_secret() noexcept {
  static const std::uint64_t secret = []() noexcept {
    std::uint64_t drawn = 0;
    if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof drawn))
      return drawn;
    // Early in the boot, or forbidden by a sandbox: what is hard to know from outside. The address
    // is random.
    const auto now =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return mix(reinterpret_cast<std::uintptr_t>(&drawn), now);
  }();
  return secret;
}

}  // namespace maxdot::base
