#include "search/call.hpp"

#include <algorithm>
#include <utility>

#include "base/stop.hpp"
#include "bounds/f32_bound.hpp"
#include "search/collect/range_collector.hpp"
#include "search/collect/top_k_collector.hpp"
#include "search/scan/scan_counts.hpp"

namespace maxdot::search {

CallContext make_context(const store::ItemStore& items, const kernels::KernelTable& table,
                         const Request& request, CallMemory& memory, store::RowReads* reads) {
  FilterBatch* filters = nullptr;
  if (request.filters != nullptr) {
    memory.filters.begin(*request.filters, items, request.queries.rows);
    filters = &memory.filters;
  }
  return {.items = items,
          .table = table,
          .queries = request.queries,
          .ranking = base::ranking_of(request.metric, items.normalized),
          .threads = request.threads,
          .filters = filters,
          .reads = reads};
}

template <typename Collector>
Call<Collector>::Call(const CallContext& context, const Request& request, std::size_t kept,
                      CallMemory& memory, Collector& collector)
    : context_(context),
      request_(request),
      kept_(kept),
      memory_(memory),
      collector_(collector),
      tuning_(tuning_of(context.table)),
      scanned_(memory.sorted.scanned),
      listed_(memory.sorted.listed),
      repeated_(memory.sorted.repeated),
      repeated_from_(memory.sorted.repeated_from),
      by_f32_(memory.sorted.by_f32),
      states_(memory.sorted.states) {
  memory.sorted.clear();
  divide();
  reserve();
}

// Four passes, each over what the ones before have left.
template <typename Collector>
void Call<Collector>::run() noexcept {
  scan(scanned_, {}, method_for(scanned_.size()));
  scan(repeated_, repeated_from_, method_for(repeated_.size()));
  scan(by_f32_, {}, Method::f32);
  scan(listed_, {}, Method::listed);
  if (request_.stats != nullptr) report(*request_.stats);
}

template <typename Collector>
Work Call<Collector>::work(std::size_t queries) const noexcept {
  const std::size_t filter_bytes =
      context_.filters == nullptr ? 0 : context_.filters->bytes_per_query();
  return {
      .queries = queries, .kept = kept_, .filter_bytes = filter_bytes, .threads = context_.threads};
}

template <typename Collector>
void Call<Collector>::divide() {
  const std::size_t queries = request_.queries.rows;
  scanned_.reserve(queries);
  for (std::size_t q = 0; q < queries; ++q) {
    const bool few =
        context_.filters != nullptr &&
        suits_list(context_.items, work(queries), context_.filters->most_permitted(q), tuning_);
    const bool listed = request_.method ? *request_.method == Method::listed : few;
    (listed ? listed_ : scanned_).push_back(q);
  }
  if (!listed_.empty()) context_.filters->list_mask();
}

template <typename Collector>
void Call<Collector>::reserve() {
  const auto include = [&](std::size_t queries, Method method) {
    Plan plan = make_plan(context_.items, work(queries), method, tuning_);
    plan.round_queries = std::min(plan.round_queries, Collector::kMostRoundQueries);
    capacity_.include(plan);
  };
  if (!scanned_.empty()) {
    for (const Method method :
         {Method::f32, Method::coarse, Method::five, Method::six, Method::fine})
      include(scanned_.size(), method);
  }
  if (!listed_.empty()) include(listed_.size(), Method::listed);
  memory_.reserve(capacity_, context_.items, context_.table, context_.threads,
                  context_.filters != nullptr);
  collector_.reserve(capacity_.lists, capacity_.entries,
                     std::min(capacity_.list_entries, context_.items.items),
                     static_cast<std::size_t>(context_.threads));
  repeated_.reserve(scanned_.size());
  repeated_from_.reserve(scanned_.size());
  by_f32_.reserve(scanned_.size());
  states_.reserve(capacity_.queries);
}

template <typename Collector>
Method Call<Collector>::method_for(std::size_t queries) const noexcept {
  if (queries == 0 || !bounds::F32Bound(context_.items, context_.ranking).usable())
    return Method::f32;
  return request_.method.value_or(choose_method(context_.items, work(queries), tuning_));
}

/// Scans the rows, as many at a time as the plan says, from the states given (empty: nothing is
/// known), and sorts out what is left of them.
template <typename Collector>
void Call<Collector>::scan(const Rows& rows, std::span<const QueryState> from,
                           Method method) noexcept {
  if (rows.empty()) return;
  const Rows& all = method == Method::listed ? listed_ : scanned_;
  Plan plan =
      plan_within(capacity_, context_.items, work(all.size()), rows.size(), method, tuning_);
  plan.round_queries = std::min(plan.round_queries, Collector::kMostRoundQueries);
  if (method == Method::f32) rows_scanned_by_f32_ += rows.size();
  for (std::size_t first = 0; first < rows.size(); first += plan.round_queries) {
    const std::size_t count = std::min(plan.round_queries, rows.size() - first);
    states_.assign(count, QueryState::open());
    if (!from.empty()) std::copy_n(from.data() + first, count, states_.begin());
    Round<Collector>(context_, plan, {rows.data() + first, count}, memory_, collector_)
        .run(states_);
    if (base::stop_requested()) return;  // the states are not what they seem
    for (std::size_t q = 0; q < count; ++q) {
      switch (states_[q].stage()) {
        case QueryState::Stage::by_f32:
          by_f32_.push_back(rows[first + q]);
          break;
        case QueryState::Stage::certain:
          repeated_.push_back(rows[first + q]);
          repeated_from_.push_back(states_[q]);
          break;
        default:
          break;
      }
    }
  }
}

template <typename Collector>
void Call<Collector>::report(SearchStats& stats) const noexcept {
  stats = {};
  stats.queries = request_.queries.rows;
  stats.queries_by_list = listed_.size();
  stats.queries_by_f32 = rows_scanned_by_f32_;
  stats.queries_repeated = repeated_.size();
  for (const CallMemory::Worker& worker : memory_.workers)
    add(stats, worker.counts, context_.items);
}

template class Call<TopKCollector>;
template class Call<RangeCollector>;

}  // namespace maxdot::search
