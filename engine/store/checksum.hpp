// Checksum: XXH3-64 of what comes piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

struct XXH3_state_s;

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
    void operator()(XXH3_state_s* state) const noexcept;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace maxdot::store
