// Round: some queries of a call, together, through one plan. Every query that it answers is
// written; the others come back with what must happen to them next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/types.hpp"
#include "search/call_memory.hpp"
#include "search/plan/plan.hpp"
#include "search/query_state.hpp"
#include "search/scan/scan_context.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// What a call asks of every round.
struct CallContext {
  const store::ItemStore& items;
  const kernels::KernelTable& table;
  const MatrixView& queries;
  base::Ranking ranking;
  int threads;
  /// Which items may be returned; null: all.
  FilterBatch* filters;
  /// Where rows are read from; null: they are in memory.
  store::RowReads* reads;
};

/// `Collector` is TopKCollector or RangeCollector: what is wanted of the items.
template <typename Collector>
class Round {
 public:
  /// Requires rows.size() <= plan.round_queries, and memory reserved for the plan.
  Round(const CallContext& context, const Plan& plan, std::span<const std::size_t> rows,
        CallMemory& memory, Collector& collector) noexcept;

  /// Takes the queries from their states, open or certain, as far as they go: done, certain (to be
  /// scanned again from that bound), or by_f32 (to be scanned again by rows).
  void run(std::span<QueryState> states) noexcept;

 private:
  void prepare(std::span<QueryState> states) noexcept;
  void scan_by_codes(std::span<QueryState> states) noexcept;
  void leave_wasteful(std::span<QueryState> states) noexcept;
  std::uint64_t most_wasted(Pass pass) const noexcept;
  bool scan_sample(Pass pass, std::span<QueryState> states) noexcept;
  bool end_sample(Pass pass, std::size_t q, QueryState& state, std::size_t worker) noexcept;
  void scan_codes_in(Pass pass) noexcept;
  void scan_rows() noexcept;
  void scan_lists() noexcept;
  void conclude(std::span<QueryState> states) noexcept;

  /// Calls scan(task, lists, notes, worker) for every task, on all threads.
  template <typename Scan>
  void for_each_task(Scan&& scan) noexcept;
  CallMemory::Worker& worker(int number) noexcept {
    return memory_.workers[static_cast<std::size_t>(number)];
  }

  const CallContext& context_;
  const Plan& plan_;
  std::span<const std::size_t> rows_;
  CallMemory& memory_;
  Collector& collector_;
  std::size_t count_;
  ScanContext scan_;
};

}  // namespace maxdot::search
