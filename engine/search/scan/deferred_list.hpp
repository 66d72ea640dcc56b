// DeferredList: keeps items that their tile's limit let through until the scan is over, or a list
// is full; then judges the best of them first.
//
// The guessed threshold lies below the final one. Of the items between the two none need be scored,
// if better ones come first: they raise the threshold to the k-th best key, or near it. An item is
// deferred with the bound that its tile's terms give, while these are at hand, and nothing else is
// read for it until it is judged.
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

/// The n-th largest upper bound of `count` items. One pass: after a few items almost none is among
/// the largest so far. Requires 1 <= n <= count and memory for 2 n values.
inline float nth_largest(const DeferredItem* items, std::size_t count, std::size_t n,
                         float* largest) noexcept {
  std::size_t size = 0;
  float least = -std::numeric_limits<float>::infinity();
  const auto cut = [&] {
    std::nth_element(largest, largest + (n - 1), largest + size, std::greater<>());
    size = n;
    least = largest[n - 1];
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (items[i].upper <= least) continue;
    largest[size++] = items[i].upper;
    if (size == 2 * n) cut();
  }
  if (size >= n) cut();
  return least;
}

/// For lists whose bound rises: TopK. Of a task's queries, `room` items each.
template <typename Results>
class DeferredList {
 public:
  DeferredList(const CodeScanContext& context, const Task& task, Results* results,
               Thresholds<Results>& thresholds, CandidateQueue<Results>& candidates,
               CodeScratch& scratch, ScanCounts& counts) noexcept
      : task_(task),
        room_(context.deferred),
        results_(results),
        thresholds_(thresholds),
        candidates_(candidates),
        scratch_(scratch),
        counts_(counts),
        together_(context.scan.reads == nullptr ? 1 : task.queries) {
    std::fill_n(scratch_.deferred_counts, task.queries, 0U);
  }

  /// Takes the items of the tile at position `first` whose bit is set in `reaching`. `terms`: the
  /// tile's. Requires room for a tile.
  void add(std::size_t q, std::size_t first, const kernels::CodeTileTerms& terms,
           const std::int32_t* products, std::uint64_t reaching) noexcept {
    if (room(q) < kernels::kTileItems) judge(q, q + 1);
    put(q, first, terms, products, reaching, -std::numeric_limits<float>::infinity());
  }

  /// The same of those whose bound reaches `least`, where there is room for all.
  void put(std::size_t q, std::size_t first, const kernels::CodeTileTerms& terms,
           const std::int32_t* products, std::uint64_t reaching, float least) noexcept {
    DeferredItem* next = items(q) + count(q);
    const std::size_t offset = first - task_.first_tile * kernels::kTileItems;
    for (; reaching != 0; reaching &= reaching - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(reaching));
      *next = {upper(q, terms, products[i]), candidates_.product(q, products[i]),
               static_cast<std::uint32_t>(offset + i)};
      next += next->upper < least ? 0 : 1;
    }
    set_count(q, static_cast<std::size_t>(next - items(q)));
  }

  /// At least the score of an item of the tile for which a kernel returned this product.
  float upper(std::size_t q, const kernels::CodeTileTerms& terms,
              std::int32_t returned) const noexcept {
    const float upper = candidates_.bound().upper_in(terms, task_.first_query + q,
                                                     candidates_.product(q, returned));
    // Terms come from a file. What is no number would break the order; it lets the item through.
    return std::isnan(upper) ? std::numeric_limits<float>::infinity() : upper;
  }

  DeferredItem* items(std::size_t q) noexcept { return scratch_.deferred.data() + q * room_; }
  std::size_t count(std::size_t q) const noexcept { return scratch_.deferred_counts[q]; }
  std::size_t room(std::size_t q) const noexcept { return room_ - count(q); }
  /// Keeps the first `count` items.
  void set_count(std::size_t q, std::size_t count) noexcept {
    scratch_.deferred_counts[q] = static_cast<std::uint32_t>(count);
  }

  void judge_all() noexcept {
    for_each_group([this](std::size_t begin, std::size_t end) { judge(begin, end); });
  }

  /// Calls group(begin, end) for groups of queries that are judged together: those whose rows come
  /// from the disk are read at once, others are still in a cache when they are used.
  template <typename Group>
  void for_each_group(const Group& group) noexcept {
    for (std::size_t begin = 0; begin < task_.queries; begin += together_)
      group(begin, std::min(begin + together_, task_.queries));
  }

  /// Scores, for queries [begin, end), about as many items as results are wanted, those with the
  /// highest bounds. The others stay.
  void judge_best(std::size_t begin, std::size_t end) noexcept {
    for (std::size_t q = begin; q < end; ++q) take_best(q);
    candidates_.drain();
    for (std::size_t q = begin; q < end; ++q) {
      results_[q].settle();
      thresholds_.raised(q);
    }
  }

  /// Judges the others, as far as they reach the threshold.
  void judge_left(std::size_t q) noexcept {
    const std::size_t left = count(q);
    set_count(q, 0);
    take(q, items(q), left, scratch_.reaches[q], left);
  }

 private:
  void take_best(std::size_t q) noexcept {
    const std::size_t count = this->count(q);
    if (count == 0) return;
    counts_.candidates += count;
    const std::size_t best = std::min(count, results_[q].k() + results_[q].k() / 8 + 8);
    const double least = nth_largest(items(q), count, best, scratch_.largest.data());
    set_count(q, take(q, items(q), count, least, best));
  }

  // First as many of the highest bounds as there are results, and a few more because bounds are not
  // scores; then what still reaches the threshold.
  void judge(std::size_t begin, std::size_t end) noexcept {
    judge_best(begin, end);
    for (std::size_t q = begin; q < end; ++q) judge_left(q);
  }

  // Takes at most `most` of the first `count` items, those whose upper bound is no less than
  // `least`; the others move to the front. Returns their number. `least` is read for every item: it
  // may rise meanwhile. Out of line, so that the queue is inlined once ("Queues" in
  // docs/measurements.md).
  [[gnu::noinline]] std::size_t take(std::size_t q, DeferredItem* items, std::size_t count,
                                     const double& least, std::size_t most) noexcept {
    std::size_t left = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const DeferredItem item = items[i];
      if (i - left == most || static_cast<double>(item.upper) < least) {
        items[left++] = item;
      } else {
        candidates_.push(q, item.product, position(item));
      }
    }
    return left;
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
  std::size_t together_;  // queries
};

}  // namespace maxdot::search
