// RowSet: the rows that a filter names for one query, in memory that the caller owns. A hash table
// of the rows while they are few, one bit for each item when that is smaller.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/hash.hpp"

namespace maxdot::search {

class RowSet {
 public:
  /// Words of memory for up to `count` of `items` rows: 8 to 16 bytes each, and never more than a
  /// bit for each item.
  static std::size_t words(std::size_t count, std::size_t items) noexcept {
    return std::min(table_size(count), bit_words(items));
  }

  RowSet() = default;
  /// An empty set. Requires words(count, items) words; `insert` for at most `count` rows.
  RowSet(std::uint32_t* memory, std::size_t count, std::size_t items) noexcept
      : words_(memory), is_table_(table_size(count) < bit_words(items)) {
    size_ = is_table_ ? table_size(count) : bit_words(items);
    std::fill_n(words_, size_, is_table_ ? kEmpty : 0U);
  }

  /// Requires row < items.
  void insert(std::uint32_t row) noexcept {
    if (!is_table_) {
      words_[row / 32] |= 1U << (row % 32);
      return;
    }
    std::size_t slot = slot_of(row);
    while (words_[slot] != kEmpty && words_[slot] != row) slot = (slot + 1) & (size_ - 1);
    words_[slot] = row;
  }

  bool contains(std::uint32_t row) const noexcept {
    if (!is_table_) return (words_[row / 32] >> (row % 32) & 1U) != 0;
    for (std::size_t slot = slot_of(row); words_[slot] != kEmpty; slot = (slot + 1) & (size_ - 1)) {
      if (words_[slot] == row) return true;
    }
    return false;
  }

  /// Calls visit(row) for each row once, in no particular order (another in each process).
  template <typename Visit>
  void for_each(Visit&& visit) const noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      if (is_table_) {
        if (words_[i] != kEmpty) visit(words_[i]);
        continue;
      }
      for (std::uint32_t bits = words_[i]; bits != 0; bits &= bits - 1) {
        visit(static_cast<std::uint32_t>(i * 32) +
              static_cast<std::uint32_t>(std::countr_zero(bits)));
      }
    }
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xFFFFFFFFU;

  static std::size_t table_size(std::size_t count) noexcept { return std::bit_ceil(2 * count + 2); }
  static std::size_t bit_words(std::size_t items) noexcept { return (items + 31) / 32; }
  /// By a secret: a user's history is a list too, and may be chosen to make look-ups slow.
  std::size_t slot_of(std::uint32_t row) const noexcept {
    return base::mix(row, secret_) & (size_ - 1);
  }

  std::uint32_t* words_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t secret_ = base::process_secret();
  bool is_table_ = false;
};

}  // namespace maxdot::search
