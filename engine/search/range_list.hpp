// RangeList: every entry whose reported score reaches a threshold. Stands where TopK does when all items within a range
// are wanted.
#pragma once

#include <cmath>
#include <new>
#include <vector>

#include "base/score.hpp"
#include "search/top_k.hpp"

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

  /// `bound`: no key below it reaches the limit.
  RangeList(const Limit& limit, double bound) noexcept : limit_(limit), bound_(bound) {}

  double bound() const noexcept { return bound_; }

  /// Offers an entry. Returns whether it is within the range.
  bool offer(const Entry& entry) noexcept {
    // NaN has no place in an order. Only a forged file leads to one, and as a distance it would be 0.
    if (std::isnan(entry.key) || !limit_.reached_by(entry.key)) return false;
    try {
      entries_.push_back(entry);
    } catch (const std::bad_alloc&) {
      complete_ = false;  // on a thread of its own nothing may be thrown: the caller asks afterwards
    }
    return true;
  }

  /// Whether memory sufficed for every entry.
  bool complete() const noexcept { return complete_; }
  const std::vector<Entry>& entries() const noexcept { return entries_; }
  void clear() noexcept { entries_.clear(); }

 private:
  Limit limit_;
  double bound_;
  std::vector<Entry> entries_;
  bool complete_ = true;
};

}  // namespace maxdot::search
