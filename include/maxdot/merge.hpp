// Results of a catalogue that is cut into several indexes (shards), joined to what one index would
// have returned.
#pragma once

#include <cstddef>
#include <span>

#include "maxdot/index.hpp"

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

/// How the shards were built and asked: all of them alike.
struct MergeOptions {
  /// The metric that was asked for.
  Metric metric = Metric::cosine;
  /// Whether the indexes were built with `normalize`.
  bool normalized = false;
  /// What the merged results shall hold; `keys` if they are merged again.
  ScoreKind score_kind = ScoreKind::scores;
  /// Threads for this call; 0 = every core that this process may use. Results do not depend on it.
  int threads = 0;
  StopOptions stop = {};
};

/// The k best of all shards for each query: ids, scores and counts are those of one index over all
/// items, bit for bit. `shards`: what Index::search or search_multi returned for the same queries
/// with ScoreKind::keys, k or more results each. No item may stand in two shards. Keys, not scores,
/// because two distances may be equal where their keys differ. Throws Error: invalid_argument
/// (shapes differ, a shard was asked for fewer than k or for scores), invalid_data (an item stands
/// in two shards), out_of_memory. O(queries · (shards + k log shards)).
SearchResult merge(std::span<const SearchResult> shards, std::size_t k,
                   const MergeOptions& options);

/// The same for what Index::search_range returned with ScoreKind::keys.
RangeResult merge(std::span<const RangeResult> shards, const MergeOptions& options);

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
