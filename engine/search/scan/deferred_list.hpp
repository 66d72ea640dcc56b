// DeferredList: keeps items that their tile's limit let through until the scan is over, or a list
// is full; then judges the best of them first.
//
// The guessed threshold lies below the final one. Of the items between the two none need be scored,
// if better ones come first: they raise the threshold to the k-th best key, or near it. An item is
// deferred as product and position, and nothing else is read for it until then.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

#include "search/scan/candidate_queue.hpp"
#include "search/scan/code_scratch.hpp"

namespace maxdot::search {

/// The n-th largest of `count` values. What is no number counts as largest. One pass: after a few
/// values almost none is among the largest so far. Requires 1 <= n <= count and memory for 2 n
/// values.
inline float nth_largest(float* values, std::size_t count, std::size_t n, float* largest) noexcept {
  std::size_t size = 0;
  float least = -std::numeric_limits<float>::infinity();
  const auto cut = [&] {
    std::nth_element(largest, largest + (n - 1), largest + size, std::greater<>());
    size = n;
    least = largest[n - 1];
  };
  for (std::size_t i = 0; i < count; ++i) {
    // Terms come from a file. What is no number would break the order; it lets the item through.
    if (std::isnan(values[i])) values[i] = std::numeric_limits<float>::infinity();
    if (values[i] <= least) continue;
    largest[size++] = values[i];
    if (size == 2 * n) cut();
  }
  if (size >= n) cut();
  return least;
}

/// For lists whose bound rises: TopK. Of a task's queries, `room` items each.
template <typename Results>
class DeferredList {
 public:
  DeferredList(const Task& task, std::size_t room, Results* results,
               Thresholds<Results>& thresholds, CandidateQueue<Results>& candidates,
               CodeScratch& scratch, ScanCounts& counts) noexcept
      : task_(task),
        room_(room),
        results_(results),
        thresholds_(thresholds),
        candidates_(candidates),
        scratch_(scratch),
        counts_(counts) {
    std::fill_n(scratch_.deferred_counts, task.queries, 0U);
  }

  /// Takes the items of the tile at position `first` whose bit is set in `reaching`. Requires room
  /// for a tile.
  void add(std::size_t q, std::size_t first, const std::int32_t* products,
           std::uint64_t reaching) noexcept {
    if (scratch_.deferred_counts[q] + kernels::kTileItems > room_) judge(q);
    DeferredItem* const items = scratch_.deferred.data() + q * room_;
    DeferredItem* next = items + scratch_.deferred_counts[q];
    const std::size_t offset = first - task_.first_tile * kernels::kTileItems;
    for (; reaching != 0; reaching &= reaching - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(reaching));
      *next++ = {candidates_.product(q, products[i]), static_cast<std::uint32_t>(offset + i)};
    }
    scratch_.deferred_counts[q] = static_cast<std::uint32_t>(next - items);
  }

  void judge_all() noexcept {
    for (std::size_t q = 0; q < task_.queries; ++q) judge(q);
  }

 private:
  // First as many of the highest bounds as there are results, and a few more because bounds are not
  // scores; then what still reaches the threshold.
  void judge(std::size_t q) noexcept {
    DeferredItem* items = scratch_.deferred.data() + q * room_;
    const std::size_t count = scratch_.deferred_counts[q];
    if (count == 0) return;
    scratch_.deferred_counts[q] = 0;
    counts_.candidates += count;
    float* uppers = scratch_.uppers.data();
    const bounds::CodeBound& bound = candidates_.bound();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t tile = position(items[i]) / kernels::kTileItems;
      uppers[i] = bound.upper_in(bound.tile(tile), task_.first_query + q, items[i].product);
    }
    const std::size_t best = std::min(count, results_[q].k() + results_[q].k() / 8 + 8);
    const float least = nth_largest(uppers, count, best, scratch_.largest.data());
    std::size_t taken = 0;
    std::size_t left = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (taken < best && uppers[i] >= least) {
        take(q, items[i]);
        ++taken;
      } else {
        uppers[left] = uppers[i];
        items[left++] = items[i];
      }
    }
    candidates_.drain();
    results_[q].settle();
    thresholds_.raised(q);
    for (std::size_t i = 0; i < left; ++i) {
      if (static_cast<double>(uppers[i]) < thresholds_.reach(q)) continue;
      take(q, items[i]);
    }
  }

  // Out of line: the queue is inlined where batches use it, and twice in judge() would be too much.
  [[gnu::noinline]] void take(std::size_t q, const DeferredItem& item) noexcept {
    candidates_.push(q, item.product, position(item));
  }

  std::size_t position(const DeferredItem& item) const noexcept {
    return task_.first_tile * kernels::kTileItems + item.offset;
  }

  const Task& task_;
  std::size_t room_;
  Results* results_;
  Thresholds<Results>& thresholds_;
  CandidateQueue<Results>& candidates_;
  CodeScratch& scratch_;
  ScanCounts& counts_;
};

}  // namespace maxdot::search
