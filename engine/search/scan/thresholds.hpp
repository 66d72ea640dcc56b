// Thresholds: what each query of a task still asks of an item, in the forms that the steps of a
// scan compare with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/rounding.hpp"
#include "bounds/norm_limit.hpp"
#include "search/scan/code_scratch.hpp"
#include "search/scan/scan_context.hpp"

namespace maxdot::search {

/// `Results` is TopK or RangeList.
template <typename Results>
class Thresholds {
 public:
  Thresholds(const CodeScanContext& context, const Task& task, const Results* results,
             CodeScratch& scratch) noexcept
      : context_(context), task_(task), results_(results), scratch_(scratch) {
    for (std::size_t q = 0; q < task.queries; ++q) {
      scratch.inverse_norms[q] =
          bounds::inverse_norm_below(context.scan.queries.square(task.first_query + q));
      scratch.left[q] = 0;
      scratch.levels[q] = -std::numeric_limits<double>::infinity();
      update(q);
      if (context.by_codes[task.first_query + q] == 0) leave(q);
    }
    find_least_norm();
  }

  /// What an item's score must reach, in the units of PreparedQueries::reach; -inf if nothing is
  /// known.
  double reach(std::size_t q) const noexcept { return scratch_.reaches[q]; }
  /// The same in f32, rounded down, for the kernels' limits.
  const float* rounded() const noexcept { return scratch_.thresholds; }

  /// Whether query q has left the codes. From then on no product passes its limits, whatever its
  /// bounds: nothing is found for it, and what was found is not used.
  bool has_left(std::size_t q) const noexcept { return scratch_.left[q] != 0; }
  void leave(std::size_t q) noexcept {
    if (has_left(q)) return;
    scratch_.left[q] = 1;
    scratch_.leavers[leavers_++] = static_cast<std::uint16_t>(q);
  }
  bool all_have_left() const noexcept { return leavers_ == task_.queries; }

  /// Closes the limits of the queries that have left.
  void close(std::int32_t* limits) const noexcept {
    for (std::size_t i = 0; i < leavers_; ++i)
      limits[scratch_.leavers[i]] = std::numeric_limits<std::int32_t>::max();
  }

  /// The results of query q have a better bound.
  void raised(std::size_t q) noexcept {
    if (context_.scan.several_tasks)
      context_.scan.shared.raise(task_.first_query + q, results_[q].bound());
    update(q);
  }

  /// Of query q only items matter from now on whose upper bound reaches `level`, in units of
  /// reach(): a sample keeps the highest bounds, whatever the scores.
  void set_level(std::size_t q, double level) noexcept {
    scratch_.levels[q] = level;
    update(q);
  }

  double level(std::size_t q) const noexcept { return scratch_.levels[q]; }

  /// Learns what other threads have found, and which tiles may be skipped.
  void refresh() noexcept {
    if (Results::kRises && context_.scan.several_tasks) {
      for (std::size_t q = 0; q < task_.queries; ++q) update(q);
    }
    find_least_norm();
  }

  /// Whether no item of the tile can reach a threshold, by norms alone. Tiles of a block descend in
  /// scale, so of a block whose norms differ much only the beginning is read.
  bool skips(std::size_t tile) const noexcept {
    return static_cast<double>(context_.scan.items.tiles[tile].norm) < least_norm_;
  }

 private:
  void update(std::size_t q) noexcept {
    const std::size_t query = task_.first_query + q;
    const double bound = std::max(results_[q].bound(), context_.scan.shared.get(query));
    scratch_.reaches[q] = std::max(context_.scan.queries.reach(query, bound), scratch_.levels[q]);
    scratch_.thresholds[q] = base::round_down(scratch_.reaches[q]);
  }

  // Below the least of these norms no dot product reaches any query's threshold.
  void find_least_norm() noexcept {
    if (context_.scan.ranking != base::Ranking::dot) return;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t q = 0; q < task_.queries; ++q) {
      if (has_left(q)) continue;
      least = std::min(least, bounds::least_norm(scratch_.reaches[q], scratch_.inverse_norms[q]));
    }
    least_norm_ = least;
  }

  const CodeScanContext& context_;
  const Task& task_;
  const Results* results_;
  CodeScratch& scratch_;
  std::size_t leavers_ = 0;
  double least_norm_ = 0.0;
};

}  // namespace maxdot::search
