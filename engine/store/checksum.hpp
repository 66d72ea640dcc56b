// Checksum: XXH3-64 of what comes piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace maxdot::store {

class Checksum {
 public:
  /// Throws std::bad_alloc.
  Checksum();

  void update(const void* data, std::size_t bytes) noexcept;
  /// Of what came so far.
  std::uint64_t digest() const noexcept;

 private:
  struct Free {
    void operator()(void* state) const noexcept;
  };
  std::unique_ptr<void, Free> state_;  // an XXH3_state_t: how its header is included names the type
};

}  // namespace maxdot::store
