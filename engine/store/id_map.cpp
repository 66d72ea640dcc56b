#include "store/id_map.hpp"

#include <bit>

#include "base/hash.hpp"
#include "base/stop.hpp"

namespace maxdot::store {
namespace {

// [rows] Between two looks whether the call shall end.
constexpr std::size_t kRowsPerLook = 16384;

}  // namespace

IdMap::IdMap(const std::int64_t* ids, std::size_t count)
    : ids_(ids),
      secret_(base::process_secret()),
      mask_(std::bit_ceil(2 * count + 2) - 1),
      rows_(mask_ + 1, kNoRow) {
  for (std::size_t row = 0; row < count; ++row) {
    if (row % kRowsPerLook == 0) base::throw_if_stopped();
    std::size_t slot = slot_of(ids[row]);
    // An id that stands twice, in a forged file, must not lengthen the walk to its own slot.
    while (rows_[slot] != kNoRow && ids[rows_[slot]] != ids[row]) slot = (slot + 1) & mask_;
    if (rows_[slot] == kNoRow) rows_[slot] = static_cast<std::uint32_t>(row);
  }
}

std::uint32_t IdMap::find(std::int64_t id) const noexcept {
  for (std::size_t slot = slot_of(id);; slot = (slot + 1) & mask_) {
    const std::uint32_t row = rows_[slot];
    if (row == kNoRow || ids_[row] == id) return row;
  }
}

std::size_t IdMap::slot_of(std::int64_t id) const noexcept {
  return base::mix(static_cast<std::uint64_t>(id), secret_) & mask_;
}

}  // namespace maxdot::store
