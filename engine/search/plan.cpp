#include "search/plan.hpp"

#include <algorithm>
#include <cmath>

#include "search/code_scan.hpp"
#include "search/f32_scan.hpp"
#include "search/rescorer.hpp"
#include "search/top_k.hpp"
#include "store/layout.hpp"

namespace maxdot::search {
namespace {

// Results in progress take at most this much memory, or those of one block of queries if that is more.
constexpr std::size_t kHeapBytes = std::size_t{32} << 20;

// The lists of filters take at most this much memory, or those of one query if that is more. A query's take 0.4 KiB for
// 100 ids, and at most a bit for each item.
constexpr std::size_t kFilterBytes = std::size_t{64} << 20;

// Tasks per thread when a query is split: enough to even out, few enough to keep thresholds sharp. Few queries judge best
// first, within a task: two large tasks on two threads take 3 to 10 % less than eight small ones.
constexpr std::size_t kTasksPerThread = 4;
constexpr std::size_t kTasksPerThreadOfFew = 1;

// Queries of one task of a batch, unless there are enough for every thread to have its share of tasks of kMaxCodeQueries. Origin:
// 2,048 queries, 1M x 128, k = 10: 128 take 724 ms on one thread, 256 700, 512 677; on two threads 256 take 350, 512 367.
constexpr std::size_t kCodeQueries = 256;

// Up to this many queries half the bytes weigh more than more survivors, which grow with k: two whatever the k, four for a small
// one. Origin, 4-bit against 8-bit codes: 1M x 128 from DRAM, k = 10, 100 and 1,000: 3 queries 6.9, 9.9 and 15.2 against 11.4, 11.7 and
// 13.1 ms, 4 queries 8.9, 12.9 and 19.8 against 12.0, 12.5 and 13.6, k = 10: 6 queries 10.6 against 12.1, 8 queries 12.5 against 11.4.
// GloVe, 4 queries: 1.5, 2.2 and 5.2 against 2.3, 2.0 and 3.2.
constexpr std::size_t kMostCoarseQueries = 2;
constexpr std::size_t kMostCoarseQueriesForFew = 4;
constexpr std::size_t kFewResults = 32;

// Below this the catalogue is in the caches and preparing codes does not pay.
constexpr std::size_t kFewItems = 1024;

// The sample that the first threshold is guessed from: one tile in so many. A block has 64 tiles in descending scale: both
// steps meet the same four of them in turn. Even two tiles halve the time of 2,500 rows. A few queries judge best first and
// need no sharp guess: one tile in 48 saves them 2 to 10 % (from 49,152 rows on, which is a sample of 1,024).
constexpr std::size_t kSampleStep = 16;
constexpr std::size_t kSparseSampleStep = 48;
constexpr std::size_t kSparseSampleTiles = 768;

// With more results than one item in this many, rescoring costs more than the screens save. Origin: 9,600 and 200,000 GloVe
// rows, f32 against codes: one query, k = n/10 0.32 against 0.37 ms; 16 queries, k = n/10 75 against 59 ms, n/5 112
// against 110.
constexpr std::size_t kItemsPerResultAlone = 16;
constexpr std::size_t kItemsPerResult = 4;

// From here on the codes are read for so many queries that a survivor weighs little.
constexpr std::size_t kLargeBatch = 64;

// Items that wait for a query: a guessed threshold lets three to six times as many through as there are results (GloVe,
// k = 10 to 1,000), coarse codes some thousands, and the threshold rises when they are judged. Origin: 1M x 128 from DRAM, one
// query, k = 10 and 100: 2,048 wait 4.60 and 5.36 ms, 4,096 4.64 and 5.28, 16,384 4.87 and 5.56. In all they take at most
// 20 MiB for each thread, and that only for one query that wants 175,000 results.
constexpr std::size_t kDeferredPerResult = 6;
constexpr std::size_t kLeastDeferred = 512;
constexpr std::size_t kCoarseDeferred = 4096;
constexpr std::size_t kDeferredEntries = std::size_t{1} << 20;

// An item that waits is told by 32 bits from the first of its chunk (code_scan.hpp, Deferred).
constexpr std::size_t kMostChunkTiles = (std::size_t{1} << 32) / kernels::kTileItems - 1;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Expected number of the k best that fall in the sample, and 3.5 of its standard deviations above: the k'-th best of
/// the sample then is almost surely worse than the k-th of all.
std::size_t sample_results(std::size_t kept, std::size_t step) {
  const double expected = static_cast<double>(kept) / static_cast<double>(step);
  return std::min(kept, static_cast<std::size_t>(expected + 3.5 * std::sqrt(expected)) + 2);
}

/// A row that is scored in vain costs about as much as so many more items cost to scan by f32 (origin: bench_worst, and GloVe
/// at k = 100 and 1,000). In a large batch an item costs 2 ns, alone it comes from memory.
std::size_t items_per_survivor(Method method, std::size_t queries) {
  if (method == Method::coarse) return 5;
  return queries < kLargeBatch ? 24 : 64;
}

/// Which codes suit a batch.
Method codes_for(const Work& work) {
  const std::size_t most = work.kept <= kFewResults ? kMostCoarseQueriesForFew : kMostCoarseQueries;
  return work.queries <= most ? Method::coarse : Method::fine;
}

}  // namespace

Plan make_plan(const store::ItemStore& items, const Work& work) noexcept {
  Method method = codes_for(work);
  const std::size_t items_per_result = method == Method::coarse ? kItemsPerResultAlone : kItemsPerResult;
  if (items.items < kFewItems || work.kept > items.items / items_per_result) method = Method::f32;
  return make_plan(items, work, method);
}

Plan make_plan(const store::ItemStore& items, const Work& work, Method method) noexcept {
  Plan plan = {};
  plan.method = method;
  plan.tiles = store::tiles_of(items.items);
  const auto workers = static_cast<std::size_t>(work.threads);
  const std::size_t query_bytes = TopK::room(work.kept) * sizeof(Entry);
  // A block's heaps should stay in reach of the caches: a large k means fewer queries at once.
  const bool large = work.queries >= kMaxCodeQueries * workers * kTasksPerThread;
  const std::size_t most = method == Method::f32 ? kMaxBlockQueries : large ? kMaxCodeQueries : kCodeQueries;
  const std::size_t filtered = kFilterBytes / (work.filter_bytes + 1);
  plan.block_queries = std::clamp<std::size_t>(kHeapBytes / workers / query_bytes, 1, most);
  plan.block_queries = std::clamp<std::size_t>(filtered, 1, plan.block_queries);
  plan.block_queries = std::min(plan.block_queries, work.queries);
  const std::size_t blocks = divide_up(work.queries, plan.block_queries);
  const std::size_t wanted = workers * (method == Method::coarse ? kTasksPerThreadOfFew : kTasksPerThread);
  const bool whole = workers == 1 || blocks >= wanted || method == Method::listed;
  plan.chunks = whole ? 1 : std::min(divide_up(wanted, blocks), plan.tiles);
  if (method == Method::coarse || method == Method::fine) {
    plan.chunks = std::max(plan.chunks, divide_up(plan.tiles, kMostChunkTiles));
  }
  plan.heap_entries = std::min(TopK::room(work.kept), divide_up(plan.tiles, plan.chunks) * kernels::kTileItems);
  const std::size_t affordable =
      std::min(kHeapBytes / (query_bytes * plan.chunks), filtered) / plan.block_queries * plan.block_queries;
  plan.round_queries = std::min(work.queries, std::max(affordable, plan.block_queries));

  if (work.queries < kLargeBatch) {
    const std::size_t wished = method == Method::coarse ? kCoarseDeferred : kLeastDeferred + kDeferredPerResult * work.kept;
    plan.deferred = std::min(wished, kDeferredEntries / plan.block_queries);
  }

  const bool sparse = method == Method::coarse && plan.tiles >= kSparseSampleTiles;
  plan.sample_step = sparse ? kSparseSampleStep : kSampleStep;
  if (plan.tiles >= plan.sample_step) {
    plan.sample_kept = sample_results(work.kept, plan.sample_step);
    const std::size_t sample_items = items.items / plan.sample_step;
    // f32 has no guess to start from: it, too, scores rows in vain, about k ln(n / k).
    plan.most_sample_rejected =
        kScoredInVain * (sample_items / items_per_survivor(method, work.queries) + 4 * plan.sample_kept + 64);
  }
  return plan;
}

bool suits_list(const store::ItemStore& items, const Work& work, std::size_t permitted) noexcept {
  // A list is scored by one thread, where a scan is shared by all.
  const std::size_t idle = divide_up(static_cast<std::size_t>(work.threads), work.queries);
  return permitted <= items.items / (items_per_survivor(codes_for(work), work.queries) * idle);
}

}  // namespace maxdot::search
