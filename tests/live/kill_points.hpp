// Kill points: this process's own system calls that write, counted, so that it can end at any of
// them as if it had been killed, or the machine had lost its power.
#pragma once

#include <cstdint>

namespace maxdot::test {

enum class Loss : std::uint8_t {
  none,     ///< what was written stays: the process was killed
  unsynced  ///< what was not synced may be lost: the machine stopped
};

/// From now on the process ends at its call number `call` from here, before it or, for a write,
/// after a part of it (`seed` decides). 0: at none.
void end_at_call(std::uint64_t call, Loss loss, std::uint64_t seed);
/// Calls since.
std::uint64_t calls_made();
/// With this code.
inline constexpr int kEndedAtCall = 77;

}  // namespace maxdot::test
