// SharedBounds: for each query the best lower bound known so far, shared by the threads that scan
// different tiles.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace maxdot::search {

class SharedBounds {
 public:
  /// Throws std::bad_alloc.
  void reserve(std::size_t queries) {
    if (queries <= capacity_) return;
    bounds_ = std::make_unique<std::atomic<double>[]>(queries);
    capacity_ = queries;
  }
  double get(std::size_t q) const noexcept { return bounds_[q].load(std::memory_order_relaxed); }
  void set(std::size_t q, double bound) noexcept {
    bounds_[q].store(bound, std::memory_order_relaxed);
  }
  void raise(std::size_t q, double bound) noexcept {
    double known = bounds_[q].load(std::memory_order_relaxed);
    while (bound > known &&
           !bounds_[q].compare_exchange_weak(known, bound, std::memory_order_relaxed)) {
    }
  }

 private:
  std::unique_ptr<std::atomic<double>[]> bounds_;
  std::size_t capacity_ = 0;
};

}  // namespace maxdot::search
