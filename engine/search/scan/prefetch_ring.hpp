// PrefetchRing: a short queue between "fetch this from memory" and "use it". What is pushed is
// prefetched by the caller and used when the ring is full, or at the end: in between the scan goes
// on, so that it never stops for memory.
#pragma once

#include <array>
#include <cstddef>

namespace maxdot::search {

template <typename Entry>
class PrefetchRing {
 public:
  // 8, 16 and 32 are within 2 % (docs/measurements.md, "Queues"); a longer queue only makes
  // thresholds older.
  static constexpr std::size_t kRoom = 16;

  std::size_t size() const noexcept { return size_; }
  bool full() const noexcept { return size_ == kRoom; }

  /// Requires not full().
  void push(const Entry& entry) noexcept { entries_[(oldest_ + size_++) % kRoom] = entry; }

  /// Takes the oldest. Requires size() > 0.
  Entry pop() noexcept {
    const Entry entry = entries_[oldest_];
    oldest_ = (oldest_ + 1) % kRoom;
    --size_;
    return entry;
  }

 private:
  std::array<Entry, kRoom> entries_;
  std::size_t oldest_ = 0;
  std::size_t size_ = 0;
};

}  // namespace maxdot::search
