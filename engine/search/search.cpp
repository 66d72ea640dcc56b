#include "search/search.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "maxdot/error.hpp"
#include "search/round.hpp"
#include "store/layout.hpp"

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
        kept_(std::min(request.k, context.items.items)),
        codes_usable_(F32Screen(context.items, base::ranking_of(request.metric, context.items.normalized)).usable()),
        rows_(request.queries.rows) {
    // Everything is allocated here: nothing throws once results are being written.
    std::iota(rows_.begin(), rows_.end(), std::size_t{0});
    bounds_.reserve(rows_.size());
    again_.reserve(rows_.size());
    defeated_.reserve(rows_.size());
    for (const Method method : {Method::f32, Method::coarse, Method::fine}) {
      memory_.reserve(make_plan(context.items, rows_.size(), kept_, context.threads, method), context);
    }
    for (RoundMemory::Worker& worker : memory_.workers) worker.counts = {};
  }

  void run() noexcept {
    const bool by_codes = request_.method ? codes_usable_ && *request_.method != Method::f32 : codes_usable_;
    rounds(rows_, {}, plan_for(rows_.size(), by_codes));
    if (!again_.empty()) {
      repeated_ = again_.size();
      const std::vector<std::size_t> rows = std::move(again_);
      rounds(rows, bounds_, plan_for(rows.size(), true));
    }
    if (!defeated_.empty()) {
      const std::vector<std::size_t> rows = std::move(defeated_);
      rounds(rows, {}, plan_for(rows.size(), false));
    }
    if (request_.stats != nullptr) report(*request_.stats);
  }

 private:
  Plan plan_for(std::size_t queries, bool by_codes) const noexcept {
    Plan plan = make_plan(context_.items, queries, kept_, context_.threads);
    if (request_.method) plan = make_plan(context_.items, queries, kept_, context_.threads, *request_.method);
    if (!by_codes) plan = make_plan(context_.items, queries, kept_, context_.threads, Method::f32);
    if (memory_.holds(plan, context_.items.items)) return plan;
    // Fewer queries may be cut into more chunks than memory was reserved for: cut them as all of them were.
    const Plan first = make_plan(context_.items, rows_.size(), kept_, context_.threads, plan.method);
    plan.round_queries = std::min(queries, first.round_queries);
    plan.block_queries = std::min(plan.block_queries, first.block_queries);
    plan.chunks = first.chunks;
    plan.heap_entries = first.heap_entries;
    return plan;
  }

  /// Searches the rows, as many at a time as the plan says. Leaves in again_ and bounds_ what must be scanned again from
  /// a bound, and in defeated_ what must be scanned by f32.
  void rounds(const std::vector<std::size_t>& rows, const std::vector<double>& bounds, const Plan& plan) noexcept {
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
    stats.queries = rows_.size();
    stats.queries_by_f32 = by_f32_;
    stats.queries_repeated = repeated_;
    for (const RoundMemory::Worker& worker : memory_.workers) {
      stats.tiles_f32 += worker.counts.f32_tiles;
      stats.tiles_4bit += worker.counts.coarse_tiles;
      stats.tiles_8bit += worker.counts.fine_tiles;
      stats.candidates += worker.counts.candidates;
      stats.rescored += worker.counts.rescored;
    }
    const std::uint64_t plane = store::plane_tile_bytes(context_.items.dimension);
    const std::uint64_t row = context_.items.row_bytes();
    stats.bytes_read = stats.tiles_f32 * kernels::kTileItems * row + stats.tiles_4bit * plane +
                       stats.tiles_8bit * 2 * plane + stats.rescored * row;
  }

  const RoundContext& context_;
  const Request& request_;
  RoundMemory& memory_;
  std::size_t kept_;
  bool codes_usable_;
  std::vector<std::size_t> rows_;
  std::vector<std::size_t> again_;
  std::vector<double> bounds_;
  std::vector<std::size_t> defeated_;
  std::size_t repeated_ = 0;
  std::size_t by_f32_ = 0;
};

void write_nothing(const Request& request, const ResultView& out) noexcept {
  const std::size_t cells = request.queries.rows * request.k;
  std::fill(out.ids, out.ids + cells, -1);
  std::fill(out.scores, out.scores + cells, base::worst_score(request.metric));
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
    const RoundContext context = {items, table, request.queries, request.k, request.metric, request.threads, out};
    Search(context, request, *memory).run();
    if (memory->bytes() <= kMostKeptBytes) kept = std::move(memory);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "not enough memory for the search; use a smaller k or fewer queries");
  }
}

}  // namespace maxdot::search
