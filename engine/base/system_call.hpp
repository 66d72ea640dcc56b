// System calls that a signal may interrupt.
#pragma once

#include <cerrno>

namespace maxdot::base {

/// Makes a call that returns a negative number and sets errno when it fails, again as long as a
/// signal interrupts it. Every call that may wait goes through here: open and flock wait too, on a
/// network or a FUSE filesystem.
template <typename Call>
auto uninterrupted(Call&& call) noexcept {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace maxdot::base
