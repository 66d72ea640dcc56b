// What the scans of a round share, and what one task of it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/score.hpp"
#include "bounds/code_bound.hpp"
#include "bounds/prepared_queries.hpp"
#include "bounds/query_codes.hpp"
#include "kernels/kernels.hpp"
#include "search/filter/filter_batch.hpp"
#include "search/plan/tuning.hpp"
#include "search/scan/shared_bounds.hpp"
#include "store/item_store.hpp"
#include "store/row_file.hpp"

namespace maxdot::search {

/// A block of queries and a range of tiles: what one thread does at a time.
struct Task {
  std::size_t first_query;  ///< of the round
  std::size_t queries;
  std::size_t first_tile;
  std::size_t end_tile;
};

struct ScanContext {
  const store::ItemStore& items;
  const kernels::KernelTable& kernels;
  const Tuning& tuning;
  const bounds::PreparedQueries& queries;
  base::Ranking ranking;
  /// Which items may be returned; null: all.
  const FilterBatch* filters;
  /// A lower bound of each query's k-th best key: at the start what is known, or guessed; raised by
  /// every task.
  SharedBounds& shared;
  /// Whether several tasks scan for the same query, so that each may learn from the others.
  bool several_tasks;
  /// Where rows are read from; null: they are in memory.
  store::RowReads* reads;
};

/// What a pass reads of a task's tiles, and what for.
enum class Pass : std::uint8_t {
  select,  ///< the sample: to keep the items with the highest bounds, and score these
  sample,  ///< the sample: to find what is wanted, and notice when the codes do not suit a query
  rest,    ///< all but the sample
  all,
};

/// What a task tells of one of its queries.
struct QueryNote {
  /// Wasted work (tuning.hpp).
  std::uint64_t wasted = 0;
  /// An item of the sample whose score lies above this, in units of PreparedQueries::reach, was
  /// judged.
  double complete_above = -std::numeric_limits<double>::infinity();
};

struct CodeScanContext {
  const ScanContext& scan;
  const bounds::QueryCodes& codes;
  bounds::Codes read;
  Pass pass;
  /// The sample is every tile in so many, starting in the middle, because the tiles of a block
  /// descend in scale.
  std::size_t sample_step;
  /// So many items of the sample are kept for each query, those with the highest bounds.
  std::size_t sample_bounds;
  /// A query whose wasted work exceeds this in one task leaves the codes; no limit after the
  /// sample.
  std::uint64_t most_wasted;
  /// Items that may be deferred for each query.
  std::size_t deferred;
  /// 0 for a query of the round that has left the codes: nothing is found for it.
  const std::uint8_t* by_codes;
};

}  // namespace maxdot::search
