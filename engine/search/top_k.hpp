// TopK: the k best entries seen so far, in memory that the caller owns. A binary heap with the worst at the root.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace maxdot::search {

struct Entry {
  double key;
  std::int64_t id;
};

/// The order of results: larger key first, then smaller id. Total, because ids are unique.
inline bool better(const Entry& a, const Entry& b) noexcept {
  return a.key > b.key || (a.key == b.key && a.id < b.id);
}

class TopK {
 public:
  /// Requires capacity >= 1 and room for that many entries.
  TopK(Entry* entries, std::size_t capacity) noexcept : entries_(entries), capacity_(capacity) {}

  /// Keeps what it has and may now hold `capacity` entries. Requires room for them, and capacity >= size().
  void grow(std::size_t capacity) noexcept { capacity_ = capacity; }
  void clear() noexcept { size_ = 0; }

  std::size_t size() const noexcept { return size_; }
  const Entry* begin() const noexcept { return entries_; }
  bool full() const noexcept { return size_ == capacity_; }

  /// A lower bound of the k-th best key: -inf until k entries are known. What is strictly below it is out.
  double bound() const noexcept {
    return full() ? entries_[0].key : -std::numeric_limits<double>::infinity();
  }

  /// Offers an entry; O(log k). Returns whether it was kept.
  bool offer(const Entry& entry) noexcept {
    if (!full()) {
      entries_[size_++] = entry;
      std::push_heap(entries_, entries_ + size_, better);
      return true;
    }
    if (!better(entry, entries_[0])) return false;
    replace_root(entry);
    return true;
  }

 private:
  // The new entry sinks from the root: half the work of a pop and a push.
  void replace_root(const Entry& entry) noexcept {
    std::size_t hole = 0;
    for (std::size_t child = 1; child < size_; child = 2 * hole + 1) {
      if (child + 1 < size_ && better(entries_[child], entries_[child + 1])) ++child;
      if (better(entries_[child], entry)) break;
      entries_[hole] = entries_[child];
      hole = child;
    }
    entries_[hole] = entry;
  }

  Entry* entries_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

}  // namespace maxdot::search
