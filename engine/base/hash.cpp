#include "base/hash.hpp"

#include <sys/random.h>

#include <atomic>
#include <chrono>

namespace maxdot::base {
namespace {

std::uint64_t draw() noexcept {
  std::uint64_t drawn = 0;
  if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof drawn))
    return drawn;
  // Early in the boot, or forbidden by a sandbox: what is hard to know from outside. The address is
  // random.
  const auto now =
      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return mix(reinterpret_cast<std::uintptr_t>(&drawn), now);
}

}  // namespace

std::uint64_t process_secret() noexcept {
  // Not yet drawn: 0. No static local: a child that is forked while one is made would find it
  // locked for ever.
  static std::atomic<std::uint64_t> secret = 0;
  std::uint64_t known = secret.load(std::memory_order_acquire);
  if (known != 0) return known;
  const std::uint64_t drawn = draw() | 1;
  return secret.compare_exchange_strong(known, drawn, std::memory_order_acq_rel) ? drawn : known;
}

}  // namespace maxdot::base
