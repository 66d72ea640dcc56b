#include "live/fresh.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/f16.hpp"
#include "base/hash.hpp"
#include "kernels/kernels.hpp"

namespace maxdot::live {

Fresh::Fresh(const Shape& shape, std::size_t capacity)
    : Part(capacity),
      shape_(shape),
      dot64_(kernels::active_table().dot64[static_cast<std::size_t>(shape.dtype)]),
      values_(capacity * shape.row_bytes(), "new items"),
      squares_(capacity),
      ids_(capacity),
      scratch_(shape.dimension),
      secret_(base::process_secret()),
      slots_(std::bit_ceil(2 * capacity + 2)),
      older_(capacity) {}

store::ItemStore Fresh::items(std::size_t rows) const noexcept {
  store::ItemStore items;
  items.items = rows;
  items.dimension = shape_.dimension;
  items.dtype = shape_.dtype;
  items.metric = shape_.metric;
  items.normalized = shape_.normalized;
  items.rows = values_.data();
  items.squares = squares_.data();
  items.ids = ids_.data();
  // It may be that of a later row: then more is scored in f64 than need be, and nothing is wrong.
  items.largest_square = largest_square_.load(std::memory_order_relaxed);
  return items;
}

void Fresh::append(std::int64_t id, const void* row) noexcept {
  const std::size_t at = rows_.load(std::memory_order_relaxed);
  unsigned char* to = values_.data() + at * shape_.row_bytes();
  std::memcpy(to, row, shape_.row_bytes());
  base::to_f32(to, shape_.dtype, shape_.dimension, scratch_.data());
  squares_[at] = dot64_(scratch_.data(), to, shape_.dimension);
  ids_[at] = id;
  largest_square_.store(std::max(largest_square_.load(std::memory_order_relaxed), squares_[at]),
                        std::memory_order_relaxed);
  std::atomic<std::uint32_t>& slot = slots_[slot_of(id)];
  older_[at] = slot.load(std::memory_order_relaxed);
  slot.store(static_cast<std::uint32_t>(at + 1), std::memory_order_release);
  rows_.store(at + 1, std::memory_order_release);
}

std::uint32_t Fresh::find(std::int64_t id, std::size_t rows) const noexcept {
  std::uint32_t next = slots_[slot_of(id)].load(std::memory_order_acquire);
  while (next > rows) next = older_[next - 1];
  return next == 0 ? store::kNoRow : next - 1;
}

// Of the id, or the empty one that it would get.
std::size_t Fresh::slot_of(std::int64_t id) const noexcept {
  std::size_t slot = base::mix(static_cast<std::uint64_t>(id), secret_) & (slots_.size() - 1);
  for (;; slot = (slot + 1) & (slots_.size() - 1)) {
    const std::uint32_t row = slots_[slot].load(std::memory_order_acquire);
    if (row == 0 || ids_[row - 1] == id) return slot;
  }
}

}  // namespace maxdot::live
