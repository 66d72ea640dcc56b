// The same scans as search(), with thresholds that are known and never rise. There is nothing to guess and to prove.

#include "search/range.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/parallel.hpp"
#include "maxdot/error.hpp"
#include "search/code_scan.hpp"
#include "search/f32_scan.hpp"
#include "search/range_list.hpp"
#include "search/results.hpp"

namespace maxdot::search {
namespace {

// Queries at a time: a few blocks for each thread.
constexpr std::size_t kQueriesAtOnce = 2048;

// Relative and absolute room for the rounding between a key and the score that it is reported as (base/score.hpp): a
// square root, a product and a sum of numbers up to 4.
constexpr double kRelativeRoom = 0x1p-48;
constexpr double kAbsoluteRoom = 0x1p-48;

/// A bound that no key lies below whose score reaches the limit. Finite, or kNoBound.
double lowest_key(const RangeList::Limit& limit) noexcept {
  double key = limit.threshold;
  if (limit.metric == Metric::euclidean) {
    if (limit.threshold < 0.0) return kEverythingOut;
    const double square = limit.threshold * limit.threshold * (1.0 + kRelativeRoom);
    // The smallest number covers squares that underflow.
    key = limit.normalized ? 1.0 - 0.5 * square - kAbsoluteRoom : -square - std::numeric_limits<double>::min();
  }
  if (!(key > -kEverythingOut)) return kNoBound;
  return std::min(key, kEverythingOut);
}

class RangeSearch {
 public:
  RangeSearch(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
              std::span<const double> thresholds)
      : items_(items),
        table_(table),
        request_(request),
        thresholds_(thresholds),
        ranking_(base::ranking_of(request.metric, items.normalized)),
        screen_(items, ranking_) {
    if (request.filters != nullptr) {
      filter_batch_.begin(*request.filters, items, request.queries.rows);
      filters_ = &filter_batch_;
    }
    const auto threads = static_cast<std::size_t>(request.threads);
    codes_scratch_.resize(threads);
    f32_scratch_.resize(threads);
    for (CodeScratch& scratch : codes_scratch_) scratch.prepare(items.dimension, 0, 0);
    for (F32Scratch& scratch : f32_scratch_) scratch.prepare(items.dimension);
    counts_.resize(threads);
    result_.offsets.assign(1, 0);
  }

  RangeResult run() {
    const std::size_t queries = request_.queries.rows;
    std::vector<std::size_t> rows(queries);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    std::size_t at_once = 0;
    for (std::size_t first = 0; first < queries; first += at_once) {
      // k does not matter to how a range is cut into tasks.
      const Plan plan = plan_of(std::min(kQueriesAtOnce, queries - first), screen_.usable());
      at_once = plan.round_queries;
      scan({rows.data() + first, std::min(at_once, queries - first)}, plan);
    }
    if (request_.stats != nullptr) report(*request_.stats);
    return std::move(result_);
  }

 private:
  Plan plan_of(std::size_t queries, bool by_codes) const noexcept {
    const Work work = {queries, 1, filters_ == nullptr ? 0 : filters_->bytes_per_query(), request_.threads};
    if (request_.method && by_codes) return make_plan(items_, work, *request_.method);
    return by_codes ? make_plan(items_, work) : make_plan(items_, work, Method::f32);
  }

  void scan(std::span<const std::size_t> rows, const Plan& plan) {
    const std::size_t count = rows.size();
    std::vector<std::vector<RangeList>> found(plan.chunks);
    for (auto& lists : found) {
      for (const std::size_t row : rows) {
        const RangeList::Limit limit = {request_.metric, items_.normalized, thresholds_[row]};
        lists.emplace_back(limit, lowest_key(limit));
      }
    }
    batch_.reserve(count, items_.dimension);
    batch_.prepare(request_.queries, rows, ranking_, table_, request_.threads);
    if (filters_ != nullptr) {
      filter_batch_.reserve(count);
      filter_batch_.prepare(rows, request_.threads);
    }
    shared_.reserve(count);
    for (std::size_t q = 0; q < count; ++q) shared_.set(q, found[0][q].bound());
    std::vector<std::size_t> by_f32;
    if (plan.method == Method::f32) {
      by_f32.resize(count);
      std::iota(by_f32.begin(), by_f32.end(), std::size_t{0});
    } else {
      by_f32 = scan_by_codes(plan, found);
    }
    // A few queries that the codes do not suit are scanned one by one.
    for (std::size_t first = 0, end = 0; first < by_f32.size(); first = end) {
      end = first + 1;
      while (end < by_f32.size() && by_f32[end] == by_f32[end - 1] + 1) ++end;
      scan_by_f32(by_f32[first], end - first, plan, found);
    }
    collect(count, found);
  }

  /// Returns the queries that must be scanned by f32 instead.
  std::vector<std::size_t> scan_by_codes(const Plan& plan, std::vector<std::vector<RangeList>>& found) {
    const std::size_t count = batch_.size();
    std::vector<std::uint32_t> rejected(plan.chunks * count);
    codes_.reserve(count, items_.dimension);
    codes_.prepare(batch_, items_.dimension, table_.codes, request_.threads);
    std::vector<std::size_t> by_f32;
    for (std::size_t q = 0; q < count; ++q) {
      if (!batch_.screenable(q)) give_up(q, by_f32);
    }
    const CodeScanContext context = {items_,  table_,
                                     batch_,  codes_,
                                     ranking_, plan.method == Method::coarse ? Codes::coarse : Codes::fine,
                                     shared_, false, plan.sample_step,
                                     plan.most_sample_rejected, filters_, 0};
    const auto pass_over = [&](Pass pass) {
      for_each_task(0, count, plan, [&](std::size_t first, std::size_t size, std::size_t chunk, std::size_t worker) {
        scan_codes(context, pass, first, size, first_tile(plan, chunk), first_tile(plan, chunk + 1),
                   found[chunk].data() + first, rejected.data() + chunk * count + first, codes_scratch_[worker],
                   counts_[worker]);
      });
    };
    if (plan.sample_kept == 0) {
      pass_over(Pass::all);
    } else {
      pass_over(Pass::sample);
      for (std::size_t q = 0; q < count; ++q) {
        std::size_t in_vain = 0;
        for (std::size_t chunk = 0; chunk < plan.chunks; ++chunk) in_vain += rejected[chunk * count + q];
        if (in_vain <= plan.most_sample_rejected || shared_.get(q) == kEverythingOut) continue;
        give_up(q, by_f32);
      }
      pass_over(Pass::rest);
    }
    std::sort(by_f32.begin(), by_f32.end());
    return by_f32;
  }

  void give_up(std::size_t q, std::vector<std::size_t>& by_f32) {
    shared_.set(q, kEverythingOut);
    by_f32.push_back(q);
  }

  // Starts from nothing: what the codes found of these queries before they were given up, or let through since (a bound
  // that is infinite or no number passes every threshold), would stand in the results twice.
  void scan_by_f32(std::size_t begin, std::size_t count, const Plan& plan, std::vector<std::vector<RangeList>>& found) {
    by_f32_ += count;
    for (auto& lists : found) {
      for (std::size_t q = begin; q < begin + count; ++q) lists[q].clear();
    }
    const F32ScanContext context = {items_, table_, batch_, ranking_, screen_, nullptr, filters_};
    for_each_task(begin, count, plan, [&](std::size_t first, std::size_t size, std::size_t chunk, std::size_t worker) {
      scan_f32(context, first, size, first_tile(plan, chunk), first_tile(plan, chunk + 1), found[chunk].data() + first,
               f32_scratch_[worker], counts_[worker]);
    });
  }

  template <typename Scan>
  void for_each_task(std::size_t begin, std::size_t count, const Plan& plan, Scan&& scan) noexcept {
    const std::size_t blocks = (count + plan.block_queries - 1) / plan.block_queries;
    base::parallel_for(blocks * plan.chunks, request_.threads, [&](std::size_t task, int worker) noexcept {
      const std::size_t first = task / plan.chunks * plan.block_queries;
      scan(begin + first, std::min(plan.block_queries, count - first), task % plan.chunks,
           static_cast<std::size_t>(worker));
    });
  }

  static std::size_t first_tile(const Plan& plan, std::size_t chunk) noexcept {
    return chunk * plan.tiles / plan.chunks;
  }

  void collect(std::size_t count, const std::vector<std::vector<RangeList>>& found) {
    std::vector<std::size_t> starts(count + 1, result_.ids.size());
    for (std::size_t q = 0; q < count; ++q) {
      starts[q + 1] = starts[q];
      for (const auto& lists : found) {
        if (!lists[q].complete()) throw std::bad_alloc();
        starts[q + 1] += lists[q].entries().size();
      }
      result_.offsets.push_back(static_cast<std::int64_t>(starts[q + 1]));
    }
    result_.ids.resize(starts[count]);
    result_.scores.resize(starts[count]);
    std::vector<Entry> entries(starts[count] - starts[0]);
    const Reported reported = {request_.metric, items_.normalized, request_.keys};
    base::parallel_for(count, request_.threads, [&](std::size_t q, int) noexcept {
      Entry* begin = entries.data() + (starts[q] - starts[0]);
      Entry* end = begin;
      for (const auto& lists : found) end = std::copy(lists[q].entries().begin(), lists[q].entries().end(), end);
      std::sort(begin, end, Better());
      for (std::size_t i = 0; begin + i != end; ++i) {
        result_.ids[starts[q] + i] = begin[i].id;
        result_.scores[starts[q] + i] = reported.score(begin[i].key);
      }
    });
  }

  void report(SearchStats& stats) const noexcept {
    stats = {};
    for (const ScanCounts& counts : counts_) add(stats, counts, items_);
    stats.queries = request_.queries.rows;
    stats.queries_by_f32 = by_f32_;
  }

  const store::ItemStore& items_;
  const kernels::KernelTable& table_;
  const Request& request_;
  std::span<const double> thresholds_;
  base::Ranking ranking_;
  F32Screen screen_;
  QueryBatch batch_;
  CodeBatch codes_;
  SharedBounds shared_;
  FilterBatch filter_batch_;
  const FilterBatch* filters_ = nullptr;
  std::vector<CodeScratch> codes_scratch_;
  std::vector<F32Scratch> f32_scratch_;
  std::vector<ScanCounts> counts_;
  std::size_t by_f32_ = 0;
  RangeResult result_;
};

}  // namespace

RangeResult range(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
                  std::span<const double> thresholds) {
  if (request.stats != nullptr) {
    *request.stats = {};
    request.stats->queries = request.queries.rows;
  }
  if (items.items == 0) return {std::vector<std::int64_t>(request.queries.rows + 1), {}, {}};
  return RangeSearch(items, table, request, thresholds).run();
}

}  // namespace maxdot::search
