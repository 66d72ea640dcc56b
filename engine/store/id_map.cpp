#include "store/id_map.hpp"

#include <xxhash.h>

#include <bit>

namespace maxdot::store {

IdMap::IdMap(const std::int64_t* ids, std::size_t count)
    : ids_(ids), mask_(std::bit_ceil(2 * count + 2) - 1), rows_(mask_ + 1, kNoRow) {
  for (std::size_t row = 0; row < count; ++row) {
    std::size_t slot = slot_of(ids[row]);
    while (rows_[slot] != kNoRow) slot = (slot + 1) & mask_;
    rows_[slot] = static_cast<std::uint32_t>(row);
  }
}

std::uint32_t IdMap::find(std::int64_t id) const noexcept {
  for (std::size_t slot = slot_of(id);; slot = (slot + 1) & mask_) {
    const std::uint32_t row = rows_[slot];
    if (row == kNoRow || ids_[row] == id) return row;
  }
}

// Ids may share their low bits (multiples of 1,000, hashes cut to a prefix): all bits take part.
std::size_t IdMap::slot_of(std::int64_t id) const noexcept { return XXH3_64bits(&id, sizeof id) & mask_; }

}  // namespace maxdot::store
