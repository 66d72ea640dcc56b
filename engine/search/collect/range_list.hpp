// RangeList: every entry whose reported score reaches a threshold. Stands where TopK does when all
// items within a range are wanted.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <vector>

#include "base/result_memory.hpp"
#include "base/score.hpp"
#include "search/collect/top_k.hpp"

namespace maxdot::search {

class RangeList {
 public:
  /// The bound never rises: the order of offers does not matter.
  static constexpr bool kRises = false;

  /// What decides: the score that is reported, by the metric asked for.
  struct Limit {
    Metric metric;
    bool normalized;
    double threshold;

    bool reached_by(double key) const noexcept {
      const double score = base::reported_score(metric, normalized, key);
      return metric == Metric::euclidean ? score <= threshold : score >= threshold;
    }
  };

  /// The list grows as far as `budget` has room.
  RangeList(const Limit& limit, base::ResultBudget& budget) noexcept
      : limit_(limit), bound_(lowest_key(limit)), budget_(&budget) {}

  /// No key below it reaches the limit. -inf, or between -kLargest and kLargest.
  static double lowest_key(const Limit& limit) noexcept {
    double key = limit.threshold;
    if (limit.metric == Metric::euclidean) {
      if (limit.threshold < 0.0) return kLargest;
      const double square = limit.threshold * limit.threshold * (1.0 + kRelativeRoom);
      // The smallest number covers squares that underflow.
      key = limit.normalized ? 1.0 - 0.5 * square - kAbsoluteRoom
                             : -square - std::numeric_limits<double>::min();
    }
    return key > -kLargest ? std::min(key, kLargest) : -std::numeric_limits<double>::infinity();
  }

  double bound() const noexcept { return bound_; }

  /// Offers an entry. Returns whether it is within the range.
  bool offer(const Entry& entry) noexcept {
    // NaN has no place in an order. Only a forged file leads to one, and as a distance it would be
    // 0.
    if (std::isnan(entry.key) || !limit_.reached_by(entry.key)) return false;
    // On a thread of its own nothing may be thrown: the caller asks afterwards.
    if (complete_ && entries_.size() == entries_.capacity()) complete_ = grow();
    if (complete_) entries_.push_back(entry);
    return true;
  }

  /// Whether memory sufficed for every entry.
  bool complete() const noexcept { return complete_; }
  const std::vector<Entry>& entries() const noexcept { return entries_; }
  void release() noexcept {
    budget_->give_back(entries_.capacity() * sizeof(Entry));
    std::vector<Entry>().swap(entries_);
  }

 private:
  static constexpr std::size_t kFirstEntries = 16;

  // Whether there was memory. While it grows a list has both memories.
  bool grow() noexcept {
    const std::size_t before = entries_.capacity();
    const std::size_t after = std::max(kFirstEntries, 2 * before);
    if (!budget_->take(after * sizeof(Entry))) return false;
    try {
      entries_.reserve(after);
    } catch (const std::bad_alloc&) {
      budget_->give_back(after * sizeof(Entry));
      return false;
    }
    budget_->give_back(before * sizeof(Entry));
    return true;
  }

  // Relative and absolute room for the rounding between a key and the score that it is reported as
  // (base/score.hpp): a square root, a product and a sum of numbers up to 4.
  static constexpr double kRelativeRoom = 0x1p-48;
  static constexpr double kAbsoluteRoom = 0x1p-48;
  // Above every key of queries and items that are screened (norms up to 2^40). Larger bounds are
  // lowered to it, so that what is computed from them stays a number.
  static constexpr double kLargest = 1e200;

  Limit limit_;
  double bound_;
  std::vector<Entry> entries_;
  bool complete_ = true;
  base::ResultBudget* budget_;
};

}  // namespace maxdot::search
