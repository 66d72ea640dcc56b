// Thresholds: what each query of a task still asks of an item, in the forms that the steps of a scan compare with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "base/rounding.hpp"
#include "search/code_scan.hpp"
#include "search/top_k.hpp"

namespace maxdot::search {

/// Of queries [begin, begin + count) of a scan. `Results` is TopK or RangeList.
template <typename Results>
class Thresholds {
 public:
  Thresholds(const CodeScanContext& context, Pass pass, std::size_t begin, std::size_t count, const Results* best,
             const std::uint32_t* rejected, CodeScratch& scratch) noexcept
      : context_(context),
        begin_(begin),
        count_(count),
        best_(best),
        rejected_(rejected),
        scratch_(scratch),
        most_rejected_(pass == Pass::sample ? context.most_sample_rejected : std::numeric_limits<std::size_t>::max()) {
    for (std::size_t q = 0; q < count; ++q) {
      // A little too small, so that rounding never skips what might reach; for a zero query nothing is skipped.
      const double square = context.queries.square(begin + q);
      scratch.inverse_norms[q] = square > 0.0 ? (1.0 - 0x1p-30) / std::sqrt(square) : 0.0;
      update(q);
    }
    find_least_norm();
  }

  /// What an item's score must reach, in the units of QueryBatch::reach; -inf if nothing is known.
  double reach(std::size_t q) const noexcept { return scratch_.reaches[q]; }
  /// The same in f32, rounded down, for the kernels' limits.
  const float* rounded() const noexcept { return scratch_.thresholds; }

  /// Whether query q has done too much work in vain. Its results are not right.
  bool given_up(std::size_t q) const noexcept { return rejected_[q] > most_rejected_; }

  /// Takes over what this and the other threads know of query q.
  void update(std::size_t q) noexcept {
    const double bound = given_up(q) ? kEverythingOut : std::max(best_[q].bound(), context_.shared.get(begin_ + q));
    // Neither end is a key to convert: a zero query would turn "nothing" into "no number" and "everything" into 0.
    const bool is_key = bound != kNoBound && bound != kEverythingOut;
    scratch_.reaches[q] = is_key ? context_.queries.reach(begin_ + q, bound) : bound;
    scratch_.thresholds[q] = base::round_down(scratch_.reaches[q]);
  }

  /// The results of query q have a better bound.
  void raised(std::size_t q) noexcept {
    if (context_.several_tasks) context_.shared.raise(begin_ + q, best_[q].bound());
    update(q);
  }

  /// Learns what other threads have found, and which tiles may be skipped.
  void refresh() noexcept {
    if (context_.several_tasks) {
      for (std::size_t q = 0; q < count_; ++q) update(q);
    }
    find_least_norm();
  }

  /// Whether no item of the tile can reach a threshold, by norms alone. Tiles of a block descend in scale, so of a block
  /// whose norms differ much only the beginning is read.
  bool skips(std::size_t tile) const noexcept {
    return static_cast<double>(context_.items.tiles[tile].norm) < least_norm_;
  }

 private:
  // |q·x| <= |q| |x|: below the least of these norms no dot product reaches any query's threshold.
  void find_least_norm() noexcept {
    if (context_.ranking != base::Ranking::dot) return;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t q = 0; q < count_; ++q) {
      least = std::min(least, scratch_.reaches[q] > 0.0 ? scratch_.reaches[q] * scratch_.inverse_norms[q] : 0.0);
    }
    least_norm_ = least;
  }

  const CodeScanContext& context_;
  std::size_t begin_;
  std::size_t count_;
  const Results* best_;
  const std::uint32_t* rejected_;
  CodeScratch& scratch_;
  std::size_t most_rejected_;
  double least_norm_ = 0.0;
};

}  // namespace maxdot::search
