// TopK: the k best entries seen so far, in memory that the caller owns. A buffer of half as many
// more that is cut to the k best when it is full: O(1) for each entry on average, written in order,
// whatever k (a heap of 1,000 costs ten scattered comparisons for each).
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

/// The order of results: larger key first, then smaller id. Total, because ids are unique. A type,
/// so that algorithms inline it.
struct Better {
  bool operator()(const Entry& a, const Entry& b) const noexcept {
    return a.key > b.key || (a.key == b.key && a.id < b.id);
  }
};

class TopK {
 public:
  /// What is offered raises the bound: better offers first save later ones.
  static constexpr bool kRises = true;

  /// Entries that memory must be provided for.
  static constexpr std::size_t room(std::size_t k) noexcept { return k + (k + 1) / 2; }

  /// Requires k >= 1 and memory for room(k) entries.
  TopK(Entry* entries, std::size_t k) noexcept : entries_(entries), k_(k), limit_(k) {}

  /// What it holds: the k best, and perhaps some that are not.
  const Entry* begin() const noexcept { return entries_; }
  const Entry* end() const noexcept { return entries_ + size_; }

  /// A lower bound of the k-th best key: -inf until k entries are known. What is strictly below it
  /// is out.
  double bound() const noexcept { return last_.key; }

  /// Offers an entry. Returns whether it may be among the best.
  bool offer(const Entry& entry) noexcept {
    if (!Better()(entry, last_)) return false;
    entries_[size_++] = entry;
    if (size_ == limit_) cut();
    return true;
  }

  std::size_t k() const noexcept { return k_; }

  /// Makes bound() the k-th best key of what was offered.
  void settle() noexcept {
    if (size_ >= k_) cut();
  }

  /// Keeps what it has and from now on wants the k best. Requires k not below the present one, and
  /// memory for it.
  void grow(std::size_t k) noexcept {
    k_ = k;
    limit_ = size_ < k ? k : room(k);
    last_ = kWorst;
  }

 private:
  // Worse than every entry: ids are below the largest number, keys above -inf.
  static constexpr Entry kWorst = {-std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<std::int64_t>::max()};

  void cut() noexcept {
    std::nth_element(entries_, entries_ + (k_ - 1), entries_ + size_, Better());
    size_ = k_;
    limit_ = room(k_);
    last_ = entries_[k_ - 1];
  }

  Entry* entries_;
  std::size_t k_;
  std::size_t limit_;
  std::size_t size_ = 0;
  Entry last_ = kWorst;
};

}  // namespace maxdot::search
