// IdSet: the item ids that one thread has met, in memory that the caller owns.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/hash.hpp"

namespace maxdot::search {

class IdSet {
 public:
  /// Slots of memory for up to `count` ids: 16 to 32 bytes each.
  static std::size_t slots(std::size_t count) noexcept { return std::bit_ceil(2 * count + 2); }

  /// An empty set. Requires slots(count) slots; `insert` for at most `count` ids.
  IdSet(std::int64_t* memory, std::size_t count) noexcept
      : slots_(memory), mask_(slots(count) - 1) {
    std::fill_n(slots_, mask_ + 1, kEmpty);
  }

  /// Whether `id` is new. Requires id >= 0.
  bool insert(std::int64_t id) noexcept {
    std::size_t slot = base::mix(static_cast<std::uint64_t>(id), secret_) & mask_;
    for (; slots_[slot] != kEmpty; slot = (slot + 1) & mask_) {
      if (slots_[slot] == id) return false;
    }
    slots_[slot] = id;
    return true;
  }

 private:
  static constexpr std::int64_t kEmpty = -1;

  std::int64_t* slots_;
  std::size_t mask_;
  std::uint64_t secret_ = base::process_secret();
};

}  // namespace maxdot::search
