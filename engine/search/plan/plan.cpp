#include "search/plan/plan.hpp"

#include <algorithm>
#include <cmath>

#include "search/collect/top_k.hpp"
#include "store/layout.hpp"

namespace maxdot::search {
namespace {

// [bytes] Lists of results in progress take at most so much memory, or those of one block of
// queries if that is more.
constexpr std::size_t kListBytes = std::size_t{32} << 20;

// [bytes] The filters of a round take at most so much memory, or those of one query if that is
// more. A query's take 0.4 KiB for 100 ids, and at most a bit for each item.
constexpr std::size_t kFilterBytes = std::size_t{64} << 20;

// [items] Deferred items of a thread take at most 20 MiB, and that only for one query that wants
// 175,000 results. Those of a sample grow with k beside it.
constexpr std::size_t kDeferredEntries = std::size_t{1} << 20;

// [tiles] A deferred item is named by 32 bits, counted from the first item of its chunk.
constexpr std::size_t kMostChunkTiles = (std::size_t{1} << 32) / kernels::kTileItems - 1;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// How many of the best of the sample are kept: the expected number of the k best that fall in it,
/// and so many of its standard deviations more. The last of them is then almost surely worse than
/// the k-th best of all.
std::size_t sample_results(std::size_t kept, std::size_t step, double deviations) {
  const double expected = static_cast<double>(kept) / static_cast<double>(step);
  return std::min(kept, static_cast<std::size_t>(expected + deviations * std::sqrt(expected)) + 2);
}
constexpr double kDeviations = 3.5;
constexpr double kLeastDeviations = 2.5;

/// A larger sample gives a sharper guess, which saves the scores of some items, however many there
/// are. So the sample grows more slowly than the catalogue. ("Sample")
std::size_t sample_step(std::size_t tiles, std::size_t least) {
  return std::max(least, static_cast<std::size_t>(std::sqrt(static_cast<double>(tiles)) / 2.0));
}

/// The wider the bounds, the more of them must be kept to find the best results. ("Sample")
std::size_t sample_bounds(std::size_t results, Method method) {
  if (method == Method::coarse) return 8 * results + 32;
  return method == Method::fine ? 2 * results + 6 : 4 * results + 16;
}

std::size_t items_per_row(Method method, std::size_t queries, const Tuning& tuning) {
  if (method == Method::coarse) return tuning.items_per_row_coarse;
  return queries < tuning.large_batch ? tuning.items_per_row : tuning.items_per_row_large;
}

/// Which codes suit a batch.
Method codes_for(const store::ItemStore& items, const Work& work, const Tuning& tuning) {
  const bool few = work.kept <= tuning.coarse_results;
  if (work.queries <= (few ? tuning.coarse_queries_for_few : tuning.coarse_queries))
    return Method::coarse;
  const std::size_t per_result = items.items / std::max<std::size_t>(work.kept, 1);
  if (work.queries < tuning.large_batch)
    return per_result >= tuning.items_per_result_six_of_few ? Method::six : Method::fine;
  if (per_result >= tuning.items_per_result_five) return Method::five;
  return per_result >= tuning.items_per_result_six ? Method::six : Method::fine;
}

std::size_t block_of(const Work& work, Method method, const Tuning& tuning) {
  const auto workers = static_cast<std::size_t>(work.threads);
  const bool large = work.queries >= kMostCodeQueries * workers * tuning.tasks;
  const std::size_t most = method == Method::f32 ? kMostF32Queries
                           : large               ? kMostCodeQueries
                                                 : tuning.code_block;
  // A block's lists should stay in reach of the caches: a large k means fewer queries at once.
  const std::size_t listed = kListBytes / workers / (TopK::room(work.kept) * sizeof(Entry));
  const std::size_t filtered = kFilterBytes / (work.filter_bytes + 1);
  return std::min(std::clamp<std::size_t>(std::min(listed, filtered), 1, most), work.queries);
}

std::size_t chunks_of(const Plan& plan, const Work& work, const Tuning& tuning) {
  const auto workers = static_cast<std::size_t>(work.threads);
  const std::size_t blocks = divide_up(work.queries, plan.block_queries);
  // Enough tasks to even out the threads, few enough to keep thresholds sharp.
  const std::size_t wanted =
      workers * (plan.method == Method::coarse ? tuning.tasks_of_few : tuning.tasks);
  const bool whole = workers == 1 || blocks >= wanted || plan.method == Method::listed;
  const std::size_t chunks = whole ? 1 : std::min(divide_up(wanted, blocks), plan.tiles);
  return by_codes(plan.method) ? std::max(chunks, divide_up(plan.tiles, kMostChunkTiles)) : chunks;
}

}  // namespace

bounds::Codes codes_read(Method method, const kernels::KernelTable& table) noexcept {
  if (method == Method::coarse) return bounds::Codes::coarse;
  if (table.codes.narrow.screen == nullptr) return bounds::Codes::fine;
  switch (method) {
    case Method::five:
      return bounds::Codes::five;
    case Method::six:
      return bounds::Codes::six;
    default:
      return bounds::Codes::fine;
  }
}

void Capacity::include(const Plan& plan) noexcept {
  queries = std::max(queries, plan.round_queries);
  lists = std::max(lists, plan.round_queries * plan.chunks);
  entries = std::max(entries, plan.round_queries * plan.chunks * plan.list_entries);
  list_entries = std::max(list_entries, plan.chunks * plan.list_entries);
  block_queries = std::max(block_queries, plan.block_queries);
  deferred = std::max({deferred, plan.deferred, plan.sample_deferred});
  all_deferred = std::max({all_deferred, plan.block_queries * plan.deferred,
                           plan.block_queries * plan.sample_deferred});
}

bool Capacity::covers(const Plan& plan) const noexcept {
  Capacity grown = *this;
  grown.include(plan);
  return grown.queries == queries && grown.lists == lists && grown.entries == entries &&
         grown.list_entries == list_entries && grown.block_queries == block_queries &&
         grown.deferred == deferred && grown.all_deferred == all_deferred;
}

Method choose_method(const store::ItemStore& items, const Work& work,
                     const Tuning& tuning) noexcept {
  const Method codes = codes_for(items, work, tuning);
  // To scan rows that are on the disk is to read all of them.
  if (items.row_file != nullptr) return codes;
  const std::size_t items_per_result =
      codes == Method::coarse ? tuning.items_per_result_of_few : tuning.items_per_result;
  return items.items < tuning.fewest_items || work.kept > items.items / items_per_result
             ? Method::f32
             : codes;
}

Plan make_plan(const store::ItemStore& items, const Work& work, Method method,
               const Tuning& tuning) noexcept {
  Plan plan = {};
  plan.method = method;
  plan.tiles = store::tiles_of(items.items);
  plan.block_queries = block_of(work, method, tuning);
  plan.chunks = chunks_of(plan, work, tuning);
  plan.list_entries =
      std::min(TopK::room(work.kept), divide_up(plan.tiles, plan.chunks) * kernels::kTileItems);

  const std::size_t query_bytes = TopK::room(work.kept) * sizeof(Entry) * plan.chunks;
  const std::size_t affordable =
      std::min(kListBytes / query_bytes, kFilterBytes / (work.filter_bytes + 1));
  plan.round_queries =
      std::min(work.queries,
               std::max(affordable / plan.block_queries * plan.block_queries, plan.block_queries));

  if (work.queries < tuning.large_batch) {
    const std::size_t wished = method == Method::coarse
                                   ? tuning.deferred_coarse
                                   : tuning.deferred + tuning.deferred_per_result * work.kept;
    plan.deferred = std::min(wished, kDeferredEntries / plan.block_queries);
  }

  const bool sparse = method == Method::coarse && plan.tiles >= tuning.sparse_tiles;
  plan.sample_step = sample_step(plan.tiles, sparse ? tuning.sparse_step : tuning.sample_step);
  const std::size_t sample_kept = sample_results(work.kept, plan.sample_step, kDeviations);
  if (plan.tiles >= plan.sample_step) {
    plan.sample_kept = sample_kept;
    plan.sample_least = sample_results(work.kept, plan.sample_step, kLeastDeviations);
    plan.sample_bounds = sample_bounds(sample_kept, method);
    plan.sample_deferred = 2 * plan.sample_bounds + kernels::kTileItems;
    const std::size_t sample_items = items.items / plan.sample_step;
    // A few are scored for nothing wherever codes suit a query.
    plan.most_wasted = kWastedRow * (sample_items / items_per_row(method, work.queries, tuning) +
                                     sample_kept + 16);
  }
  return plan;
}

Plan plan_within(const Capacity& capacity, const store::ItemStore& items, const Work& work,
                 std::size_t queries, Method method, const Tuning& tuning) noexcept {
  Work part = work;
  part.queries = queries;
  Plan plan = make_plan(items, part, method, tuning);
  // Fewer queries are cut into more chunks, whose lists may need more memory than those of all:
  // then they are cut as all are.
  const Plan whole = make_plan(items, work, method, tuning);
  plan.round_queries = std::min(plan.round_queries, whole.round_queries);
  plan.block_queries = std::min(plan.block_queries, whole.block_queries);
  plan.deferred =
      std::min({plan.deferred, capacity.deferred, capacity.all_deferred / plan.block_queries});
  if (capacity.covers(plan)) return plan;
  plan.chunks = whole.chunks;
  plan.list_entries = whole.list_entries;
  return plan;
}

bool suits_list(const store::ItemStore& items, const Work& work, std::size_t permitted,
                const Tuning& tuning) noexcept {
  // A list is scored by one thread, where a scan is shared by all.
  const std::size_t idle = divide_up(static_cast<std::size_t>(work.threads), work.queries);
  return permitted <=
         items.items / (items_per_row(codes_for(items, work, tuning), work.queries, tuning) * idle);
}

}  // namespace maxdot::search
