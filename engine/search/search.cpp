#include "search/search.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "maxdot/error.hpp"
#include "search/results.hpp"
#include "search/round.hpp"

namespace maxdot::search {
namespace {

// More than this is given back after a call.
constexpr std::size_t kMostKeptBytes = std::size_t{64} << 20;

class Search {
 public:
  Search(const RoundContext& context, const Request& request, RoundMemory& memory)
      : context_(context),
        request_(request),
        memory_(memory),
        codes_usable_(F32Screen(context.items, base::ranking_of(request.metric, context.items.normalized)).usable()) {
    // Everything is allocated here: nothing throws once results are being written.
    divide();
    bounds_.reserve(rows_.size());
    again_.reserve(rows_.size());
    defeated_.reserve(rows_.size());
    if (!rows_.empty()) {
      for (const Method method : {Method::f32, Method::coarse, Method::fine}) {
        memory_.reserve(make_plan(context.items, work(rows_.size()), method), context);
      }
    }
    if (!listed_.empty()) {
      memory_.reserve(make_plan(context.items, work(listed_.size()), Method::listed), context);
    }
    for (RoundMemory::Worker& worker : memory_.workers) worker.counts = {};
  }

  void run() noexcept {
    rounds(rows_, {}, request_.method.value_or(preferred(rows_.size())));
    if (!again_.empty()) {
      repeated_ = again_.size();
      const std::vector<std::size_t> rows = std::move(again_);
      rounds(rows, bounds_, request_.method.value_or(preferred(rows.size())));
    }
    if (!defeated_.empty()) {
      const std::vector<std::size_t> rows = std::move(defeated_);
      rounds(rows, {}, Method::f32);
    }
    rounds(listed_, {}, Method::listed);
    if (request_.stats != nullptr) report(*request_.stats);
  }

 private:
  Work work(std::size_t queries) const noexcept {
    const std::size_t filter_bytes = context_.filters == nullptr ? 0 : context_.filters->bytes_per_query();
    return {queries, context_.kept, filter_bytes, context_.threads};
  }

  /// The queries that a filter leaves few items go in a list of their own.
  void divide() {
    const std::size_t queries = request_.queries.rows;
    rows_.reserve(queries);
    for (std::size_t q = 0; q < queries; ++q) {
      const bool listed = request_.method ? *request_.method == Method::listed
                                          : context_.filters != nullptr &&
                                                suits_list(context_.items, work(queries),
                                                           context_.filters->most_permitted(q));
      (listed ? listed_ : rows_).push_back(q);
    }
    if (!listed_.empty()) context_.filters->list_mask();
  }

  Method preferred(std::size_t queries) const noexcept {
    return queries == 0 ? Method::fine : make_plan(context_.items, work(queries)).method;
  }

  Plan plan_for(std::size_t queries, Method method) const noexcept {
    if (!codes_usable_ && method != Method::listed) method = Method::f32;
    Plan plan = make_plan(context_.items, work(queries), method);
    if (memory_.holds(plan, context_)) return plan;
    // Fewer queries may be cut into more chunks than memory was reserved for: cut them as all of them were.
    const Plan first = make_plan(context_.items, work(rows_.size()), method);
    plan.round_queries = std::min(queries, first.round_queries);
    plan.block_queries = std::min(plan.block_queries, first.block_queries);
    plan.chunks = first.chunks;
    plan.heap_entries = first.heap_entries;
    return plan;
  }

  /// Searches the rows, as many at a time as the plan says. Leaves in again_ and bounds_ what must be scanned again from
  /// a bound, and in defeated_ what must be scanned by f32.
  void rounds(const std::vector<std::size_t>& rows, const std::vector<double>& bounds, Method method) noexcept {
    if (rows.empty()) return;
    const Plan plan = plan_for(rows.size(), method);
    if (plan.method == Method::f32) by_f32_ += rows.size();
    for (std::size_t first = 0; first < rows.size(); first += plan.round_queries) {
      const std::size_t count = std::min(plan.round_queries, rows.size() - first);
      Round round(context_, plan, {rows.data() + first, count}, memory_);
      round.run(bounds.empty() ? std::span<const double>() : std::span<const double>(bounds.data() + first, count));
      for (std::size_t q = 0; q < count; ++q) {
        if (round.defeated(q)) {
          defeated_.push_back(rows[first + q]);
        } else if (!round.proven(q)) {
          again_.push_back(rows[first + q]);
          bounds_.push_back(round.certain_bound(q));
        }
      }
    }
  }

  void report(SearchStats& stats) const noexcept {
    stats = {};
    stats.queries = request_.queries.rows;
    stats.queries_by_list = listed_.size();
    stats.queries_by_f32 = by_f32_;
    stats.queries_repeated = repeated_;
    for (const RoundMemory::Worker& worker : memory_.workers) add(stats, worker.counts, context_.items);
  }

  const RoundContext& context_;
  const Request& request_;
  RoundMemory& memory_;
  bool codes_usable_;
  std::vector<std::size_t> rows_;
  std::vector<std::size_t> listed_;
  std::vector<std::size_t> again_;
  std::vector<double> bounds_;
  std::vector<std::size_t> defeated_;
  std::size_t repeated_ = 0;
  std::size_t by_f32_ = 0;
};

void write_nothing(const Request& request, const ResultView& out) noexcept {
  const Reported reported = {request.metric, false, request.keys};
  const std::size_t cells = request.queries.rows * request.k;
  std::fill(out.ids, out.ids + cells, -1);
  std::fill(out.scores, out.scores + cells, reported.worst());
  if (out.counts != nullptr) std::fill(out.counts, out.counts + request.queries.rows, 0);
}

}  // namespace

void search(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
            const ResultView& out) {
  if (request.stats != nullptr) {
    *request.stats = {};
    request.stats->queries = request.queries.rows;
  }
  if (request.queries.rows == 0) return;
  if (request.k == 0 || items.items == 0) {
    write_nothing(request, out);
    return;
  }
  // Each calling thread keeps its memory: on the steady path of a server nothing is allocated.
  static thread_local std::unique_ptr<RoundMemory> kept;
  try {
    std::unique_ptr<RoundMemory> memory = kept ? std::move(kept) : std::make_unique<RoundMemory>();
    RoundContext context = {items,           table,   request.queries, request.k, request.metric,
                            request.threads, nullptr, items.items,     request.keys, out};
    if (request.filters != nullptr) {
      memory->filters.begin(*request.filters, items, request.queries.rows);
      context.filters = &memory->filters;
      context.kept = memory->filters.most_permitted();
    }
    context.kept = std::min(context.kept, request.k);
    if (context.kept == 0) {
      write_nothing(request, out);
    } else {
      Search(context, request, *memory).run();
    }
    if (memory->bytes() <= kMostKeptBytes) kept = std::move(memory);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "not enough memory for the search; use a smaller k or fewer queries");
  }
}

}  // namespace maxdot::search
