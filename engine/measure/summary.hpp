// From the cells of users to means and bootstrap confidence intervals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "maxdot/evaluate.hpp"
#include "measure/user_metrics.hpp"

namespace maxdot::measure {

/// The cells of `users` users at `columns` values of k, row-major, and what their means are over.
struct Table {
  std::size_t columns = 0;
  std::vector<Cell> cells;
  /// Number of relevant items of each user, as the convention counts them.
  std::vector<double> wanted;
  /// Users that the means are over, ascending.
  std::vector<std::size_t> population;
  evaluate::Convention convention = evaluate::Convention::standard;
};

/// The mean of each column, summed in ascending order of users; zeros for no users.
std::vector<evaluate::Values> means(const Table& table);

struct Intervals {
  std::vector<evaluate::Values> low;
  std::vector<evaluate::Values> high;
};

/// Percentile bootstrap: `resamples` times as many users as there are, drawn with replacement; the
/// ends are quantiles (1 ± confidence) / 2 of the resampled means, interpolated linearly.
/// Determined by the seed, whatever the threads. Requires a population, resamples >= 1, 0 <
/// confidence < 1. Throws std::bad_alloc.
Intervals bootstrap(const Table& table, std::size_t resamples, double confidence,
                    std::uint64_t seed, int threads);

}  // namespace maxdot::measure
