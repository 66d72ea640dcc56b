// Call: all queries of a request, round by round, until every one is done. The same for everything
// that is asked of items: the k best, or all within a range.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "maxdot/index.hpp"
#include "search/call_memory.hpp"
#include "search/plan/plan.hpp"
#include "search/query_state.hpp"
#include "search/round.hpp"
#include "search/search.hpp"

namespace maxdot::search {

/// The context of a call, with its filters ready in `memory`. `reads`: null if the items' rows are
/// in memory. Throws std::bad_alloc.
CallContext make_context(const store::ItemStore& items, const kernels::KernelTable& table,
                         const Request& request, CallMemory& memory, store::RowReads* reads);

/// `Collector` is TopKCollector or RangeCollector.
template <typename Collector>
class Call {
 public:
  /// Reserves all memory: nothing is allocated, and nothing throws, once results are being written.
  /// `kept`: results that a list keeps. Requires queries and items. Throws Error (out_of_memory) or
  /// std::bad_alloc.
  Call(const CallContext& context, const Request& request, std::size_t kept, CallMemory& memory,
       Collector& collector);

  void run() noexcept;

 private:
  using Rows = std::vector<std::size_t>;

  Work work(std::size_t queries) const noexcept;
  void divide();
  void reserve();
  Method method_for(std::size_t queries) const noexcept;
  void scan(const Rows& rows, std::span<const QueryState> from, Method method) noexcept;
  void report(SearchStats& stats) const noexcept;

  const CallContext& context_;
  const Request& request_;
  std::size_t kept_;
  CallMemory& memory_;
  Collector& collector_;
  const Tuning& tuning_;
  Capacity capacity_;
  // Parts of memory_.
  Rows& scanned_;
  Rows& listed_;
  Rows& repeated_;
  std::vector<QueryState>& repeated_from_;
  Rows& by_f32_;
  std::vector<QueryState>& states_;
  std::size_t rows_scanned_by_f32_ = 0;
};

}  // namespace maxdot::search
