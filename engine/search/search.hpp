// search: the story of a call. Start reading here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernels/kernels.hpp"
#include "maxdot/index.hpp"
#include "search/call_memory.hpp"
#include "search/filter/filter_batch.hpp"
#include "search/plan/plan.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

struct Request {
  const MatrixView& queries;
  std::size_t k;
  Metric metric;  ///< the one asked for
  int threads;
  SearchStats* stats = nullptr;
  /// Instead of the planner's choice (tests).
  std::optional<Method> method = std::nullopt;
  /// Null: every item may be returned.
  const FilterRequest* filters = nullptr;
  /// Where the memory of the call comes from; null: the calling thread.
  KeptMemory* kept = nullptr;
  /// Of results without a bound: what they may take; 0: what is free.
  std::uint64_t most_result_bytes = 0;
  /// Of the k best alone: for each query, a bound; items whose keys lie below it may be missing.
  /// Empty: none. Requires bounds above -inf.
  std::span<const double> floors = {};
  /// Report the keys that order results (base/score.hpp) instead of scores.
  bool keys = false;
};

/// Writes the k best items of each query to `out` (Index::search has the contract).
/// Requires checked queries of the items' dimension. Throws Error (out_of_memory) before anything
/// is written.
void search(const store::ItemStore& items, const kernels::KernelTable& table,
            const Request& request, const ResultView& out);

}  // namespace maxdot::search
