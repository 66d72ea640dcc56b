// RowBatch: collects items whose rows stay on the disk, until there are enough to be read together:
// in the order of the file, neighbours at once. Those that the system holds in memory come first;
// all others are announced before the first of them is read, so the disk always has many reads to
// do, and does them in its own order.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/stop.hpp"
#include "search/scan/row_scratch.hpp"
#include "store/row_file.hpp"

namespace maxdot::search {

class RowBatch {
 public:
  RowBatch(store::RowReads& reads, RowScratch& scratch) noexcept
      : reads_(reads), scratch_(scratch), room_(scratch.room(reads.row_bytes())) {}

  bool full() const noexcept { return size_ == kMostRowPairs; }
  /// Requires not full().
  void push(std::size_t q, std::size_t row) noexcept {
    scratch_.pairs[size_++] = {row, static_cast<std::uint32_t>(q)};
  }

  /// Reads the rows and calls take(pairs, data, count) for up to four items at a time: data[i] is
  /// the row of pairs[i]. Leaves the batch empty. After a read that failed, and in a call that
  /// ends early, the rest is left out.
  template <typename Take>
  void take_all(const Take& take) noexcept {
    RowPair* const pairs = scratch_.pairs.data();
    std::sort(pairs, pairs + size_, [](const RowPair& a, const RowPair& b) {
      return a.row < b.row || (a.row == b.row && a.q < b.q);
    });
    if (base::stop_requested()) size_ = 0;
    RowPair* left = pairs;
    for_each_run([&](const RowPair* begin, const RowPair* end) {
      if (reads_.read_held(begin->row, rows_in(begin, end), scratch_.rows.data())) {
        take_run(begin, end, take);
      } else {
        reads_.will_need(begin->row, rows_in(begin, end));
        left = std::copy(begin, end, left);
      }
      return true;
    });
    size_ = static_cast<std::size_t>(left - pairs);
    for_each_run([&](const RowPair* begin, const RowPair* end) {
      if (!reads_.read(begin->row, rows_in(begin, end), scratch_.rows.data())) return false;
      take_run(begin, end, take);
      return true;
    });
    size_ = 0;
  }

 private:
  static constexpr std::size_t kTaken = 4;

  // Of neighbours whose rows were read.
  template <typename Take>
  void take_run(const RowPair* begin, const RowPair* end, const Take& take) noexcept {
    const void* data[kTaken];
    for (const RowPair* at = begin; at != end;) {
      const auto count = std::min<std::size_t>(kTaken, static_cast<std::size_t>(end - at));
      for (std::size_t i = 0; i < count; ++i)
        data[i] = scratch_.rows.data() + (at[i].row - begin->row) * reads_.row_bytes();
      take(at, data, count);
      at += count;
    }
  }

  static std::size_t rows_in(const RowPair* begin, const RowPair* end) noexcept {
    return end[-1].row - begin->row + 1;
  }

  // Neighbours that fit into the memory, until `run` returns false.
  template <typename Run>
  void for_each_run(const Run& run) noexcept {
    const RowPair* const end = scratch_.pairs.data() + size_;
    const std::size_t near = 1 + kRowGapBytes / reads_.row_bytes();
    for (const RowPair* begin = scratch_.pairs.data(); begin != end;) {
      const RowPair* next = begin + 1;
      while (next != end && next->row - next[-1].row <= near && next->row - begin->row < room_)
        ++next;
      if (!run(begin, next)) return;
      begin = next;
    }
  }

  store::RowReads& reads_;
  RowScratch& scratch_;
  std::size_t room_;
  std::size_t size_ = 0;
};

}  // namespace maxdot::search
