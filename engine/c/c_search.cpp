// Searches of an index from C, their memory, and what joins those of shards.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "c/c_arguments.hpp"
#include "c/c_searches.hpp"
#include "c/c_status.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/merge.hpp"

using namespace maxdot;

namespace {

/// Throws Error (invalid_argument) unless there is memory for the results.
void check_results(const std::int64_t* ids, const double* scores, std::size_t rows, std::size_t k) {
  if (rows == 0 || k == 0) return;
  c::required(ids, "ids");
  c::required(scores, "scores");
}

SearchResult result_of(const maxdot_shard& shard, std::size_t queries) {
  SearchResult result;
  result.queries = queries;
  result.k = c::size_of_argument(shard.k, "k of a shard");
  if (queries != 0) c::required(shard.counts, "counts of a shard");
  check_results(shard.ids, shard.keys, queries, result.k);
  // A size that overflows is no memory's.
  constexpr std::size_t kMostCells = PTRDIFF_MAX / sizeof(double);
  if (queries > kMostCells || (result.k != 0 && queries > kMostCells / result.k))
    throw std::bad_alloc();
  result.counts.assign(shard.counts, shard.counts + queries);
  result.ids.assign(shard.ids, shard.ids + queries * result.k);
  result.scores.assign(shard.keys, shard.keys + queries * result.k);
  return result;
}

}  // namespace

extern "C" {

maxdot_status maxdot_workspace_create(maxdot_workspace** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    *made = new maxdot_workspace;
  });
}

int64_t maxdot_workspace_bytes(const maxdot_workspace* workspace) {
  return workspace == nullptr ? 0 : static_cast<std::int64_t>(workspace->workspace.bytes());
}

void maxdot_workspace_release(maxdot_workspace* workspace) {
  if (workspace != nullptr) workspace->workspace.release();
}

void maxdot_workspace_free(maxdot_workspace* workspace) { delete workspace; }

void maxdot_limit_thread_memory(uint64_t bytes) { limit_thread_memory(bytes); }

void maxdot_release_thread_memory(void) { release_thread_memory(); }

maxdot_status maxdot_search(const maxdot_index* index, const maxdot_matrix* queries, int64_t k,
                            const maxdot_search_options* options, int64_t* ids, double* scores,
                            int64_t* counts) {
  return c::guarded([&] {
    c::search(c::required(index, "index").index, queries, k, options, {ids, scores, counts});
  });
}

maxdot_status maxdot_search_multi(const maxdot_index* index, const maxdot_matrix* interests,
                                  int64_t per_user, int64_t k, const maxdot_search_options* options,
                                  int64_t* ids, double* scores, int64_t* counts) {
  return c::guarded([&] {
    c::search_multi(c::required(index, "index").index, interests, per_user, k, options,
                    {ids, scores, counts});
  });
}

maxdot_status maxdot_search_range(const maxdot_index* index, const maxdot_matrix* queries,
                                  const double* thresholds, int64_t threshold_count,
                                  const maxdot_search_options* options, maxdot_range** found) {
  return c::guarded([&] {
    c::required(found, "found") = nullptr;
    *found = c::search_range(c::required(index, "index").index, queries, thresholds,
                             threshold_count, options);
  });
}

int64_t maxdot_range_queries(const maxdot_range* range) {
  return range == nullptr ? 0 : static_cast<std::int64_t>(range->result.offsets.size()) - 1;
}

int64_t maxdot_range_size(const maxdot_range* range) {
  return range == nullptr ? 0 : static_cast<std::int64_t>(range->result.ids.size());
}

const int64_t* maxdot_range_offsets(const maxdot_range* range) {
  return range == nullptr ? nullptr : range->result.offsets.data();
}

const int64_t* maxdot_range_ids(const maxdot_range* range) {
  return range == nullptr || range->result.ids.empty() ? nullptr : range->result.ids.data();
}

const double* maxdot_range_scores(const maxdot_range* range) {
  return range == nullptr || range->result.scores.empty() ? nullptr : range->result.scores.data();
}

void maxdot_range_free(maxdot_range* range) { delete range; }

maxdot_status maxdot_merge(const maxdot_shard* shards, int64_t shard_count, int64_t queries,
                           int64_t k, const maxdot_merge_options* options, int64_t* ids,
                           double* scores, int64_t* counts) {
  return c::guarded([&] {
    const maxdot_merge_options given = c::options_of(options, "options");
    const std::optional<Metric> metric = c::metric_of(given.metric);
    if (!metric) {
      throw Error(ErrorCode::invalid_argument,
                  "metric: name the one that the shards were asked for in the options");
    }
    MergeOptions merging;
    merging.metric = *metric;
    merging.normalized = given.normalized != 0;
    merging.score_kind = c::score_kind_of(given.score_kind);
    merging.threads = c::threads_of(given.threads);
    merging.stop = c::stop_of(given.cancellation, given.timeout);
    const std::size_t rows = c::size_of_argument(queries, "queries");
    const std::size_t width = c::size_of_argument(k, "k");
    check_results(ids, scores, rows, width);
    const std::size_t count = c::size_of_argument(shard_count, "shard_count");
    if (count == 0) throw Error(ErrorCode::invalid_argument, "shard_count: is 0; give the shards");
    c::required(shards, "shards");
    std::vector<SearchResult> results;
    for (std::size_t s = 0; s < count; ++s) results.push_back(result_of(shards[s], rows));
    const SearchResult merged = merge(results, width, merging);
    std::copy(merged.ids.begin(), merged.ids.end(), ids);
    std::copy(merged.scores.begin(), merged.scores.end(), scores);
    if (counts != nullptr) std::copy(merged.counts.begin(), merged.counts.end(), counts);
  });
}

}  // extern "C"
