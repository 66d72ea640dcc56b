// Results: from entries to what the caller sees.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "base/score.hpp"
#include "maxdot/index.hpp"
#include "search/collect/top_k.hpp"

namespace maxdot::search {

/// What is reported for a key.
struct Reported {
  Metric metric;
  bool normalized;
  /// The key itself, for a caller that merges results: scores may tie where keys do not.
  bool as_key = false;

  double score(double key) const noexcept {
    return as_key ? key : base::reported_score(metric, normalized, key);
  }
  /// What fills the places of missing results.
  double worst() const noexcept {
    return as_key ? -std::numeric_limits<double>::infinity() : base::worst_score(metric);
  }
};

/// Writes the sorted entries as the results of row `row` of [rows, k], padded. Requires
/// entries.size() <= k.
inline void write_results(std::span<const Entry> entries, const Reported& reported, std::size_t row,
                          std::size_t k, const ResultView& out) noexcept {
  std::int64_t* ids = out.ids + row * k;
  double* scores = out.scores + row * k;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ids[i] = entries[i].id;
    scores[i] = reported.score(entries[i].key);
  }
  std::fill(ids + entries.size(), ids + k, -1);
  std::fill(scores + entries.size(), scores + k, reported.worst());
  if (out.counts != nullptr) out.counts[row] = static_cast<std::int64_t>(entries.size());
}

}  // namespace maxdot::search
