// The truth that `maxdot verify` and Python's verify() measure everybody by: every query against
// every item, in f64, in the plainest way, by arithmetic of its own (judge/arithmetic.hpp): nothing
// here is shared with the engine. The scores are checked against maxdot/reference.hpp, and against
// sums that are more precise than either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "maxdot/matrix.hpp"
#include "maxdot/stop.hpp"
#include "maxdot/types.hpp"

namespace maxdot::judge {

/// One question asked of the same dot products.
struct Contest {
  Metric metric = Metric::dot;
  bool normalize = false;
  /// Leave out items that are all zero: they have no direction, and FAISS has no rule for them.
  bool skip_zero_items = false;
};

/// The right answer of one contest: [queries, k] row-major, best first, equal keys by smaller id.
struct Truth {
  std::size_t queries = 0;
  std::size_t k = 0;  ///< what was asked, or the number of eligible items if that is smaller
  std::vector<std::int64_t> ids;
  std::vector<double> keys;      ///< larger is better, whatever the metric
  std::vector<double> reported;  ///< what maxdot must print
  /// Keys further from a more precise sum than rounding can carry them: must be none.
  std::uint64_t denied = 0;
};

/// Answers every contest with one pass over all pairs. `ids`: of each item; empty: its row's
/// number. `threads` >= 1. `finished` is told how many queries are done, by one thread at a time.
/// Requires finite rows of one dimension. Throws std::bad_alloc, and Error (cancelled, timeout) as
/// `stop_options` ask; it looks after some two thousand products of rows, but not while it sets up
/// memory for the truths.
std::vector<Truth> brute_force(const MatrixView& items, const MatrixView& queries,
                               std::span<const std::int64_t> ids, std::size_t k,
                               std::span<const Contest> contests, std::size_t threads,
                               const std::function<void(std::size_t)>& finished,
                               const StopOptions& stop_options = {});

/// How many of `pairs` random pairs of this data the scores above and reference::score disagree on,
/// by one bit or more, in any contest, or a more precise sum denies. Anything but 0 means that the
/// verification itself is broken.
std::size_t brute_force_self_check(const MatrixView& items, const MatrixView& queries,
                                   std::span<const Contest> contests, std::size_t pairs,
                                   std::uint64_t seed);

}  // namespace maxdot::judge
