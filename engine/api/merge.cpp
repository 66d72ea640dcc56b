// merge: checks that the shards' results fit together, then takes the best of all by key, each
// query by itself.

#include "maxdot/merge.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "api/index_parts.hpp"
#include "base/entry.hpp"
#include "base/parallel.hpp"
#include "base/stop.hpp"
#include "maxdot/error.hpp"
#include "search/collect/merge_lists.hpp"
#include "search/collect/results.hpp"
#include "search/collect/top_k.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

using search::Entry;
using search::SortedList;

[[noreturn]] void refuse(std::size_t shard, const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "shards: shard " + std::to_string(shard) + " " + what);
}

/// Throws Error unless the list is what a search with ScoreKind::keys returns.
void check_list(const SortedList& list, std::size_t shard, std::size_t query,
                const MergeOptions& options) {
  const bool negated =
      base::ranking_of(options.metric, options.normalized) == base::Ranking::euclidean;
  for (std::size_t i = 0; i < list.size; ++i) {
    const Entry entry = list.at(i);
    const bool sorted = i == 0 || search::Better()(list.at(i - 1), entry);
    if (entry.id >= 0 && sorted && !std::isnan(entry.key) && !(negated && entry.key > 0.0))
      continue;
    refuse(shard, "holds no results with keys: query " + std::to_string(query) + ", place " +
                      std::to_string(i) + " has id " + std::to_string(entry.id) + " and key " +
                      std::to_string(entry.key) +
                      "; search every shard with ScoreKind::keys and the metric that is merged by");
  }
}

void check_options(const MergeOptions& options) {
  static_cast<void>(api::checked_metric(options.metric));
  static_cast<void>(api::checked_score_kind(options.score_kind));
}

/// Lists of all shards, [queries, shards].
class Lists {
 public:
  Lists(std::size_t queries, std::size_t shards) : shards_(shards), lists_(queries * shards) {}

  SortedList& of(std::size_t query, std::size_t shard) { return lists_[query * shards_ + shard]; }
  std::span<const SortedList> of(std::size_t query) const {
    return {lists_.data() + query * shards_, shards_};
  }

 private:
  std::size_t shards_;
  std::vector<SortedList> lists_;
};

/// Calls write(query, the `k` best entries of its lists in order) for every query.
template <typename Write>
void merge_all(const Lists& lists, std::size_t queries, std::size_t shards, std::size_t k,
               int threads, Write&& write) {
  struct Scratch {
    std::vector<std::size_t> heads;
    std::vector<Entry> entries;
    std::vector<std::int64_t> ids;
  };
  std::size_t longest = 0;
  for (std::size_t q = 0; q < queries; ++q) {
    base::throw_if_stopped();
    std::size_t size = 0;
    for (const SortedList& list : lists.of(q)) size += list.size;
    longest = std::max(longest, std::min(size, k));
  }
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads));
  for (Scratch& one : scratch) {
    one.heads.resize(2 * shards);
    one.entries.resize(longest);
    one.ids.resize(longest);
  }
  std::atomic<std::size_t> first_repeated{queries};
  base::parallel_for(queries, threads, [&](std::size_t q, int worker) noexcept {
    Scratch& own = scratch[static_cast<std::size_t>(worker)];
    const std::size_t count =
        search::merge_lists(lists.of(q), k, own.heads.data(), own.entries.data(),
                            [](const Entry&) noexcept { return true; });
    std::transform(own.entries.begin(), own.entries.begin() + static_cast<std::ptrdiff_t>(count),
                   own.ids.begin(), [](const Entry& entry) { return entry.id; });
    const auto end = own.ids.begin() + static_cast<std::ptrdiff_t>(count);
    std::sort(own.ids.begin(), end);
    if (std::adjacent_find(own.ids.begin(), end) != end) {
      std::size_t known = first_repeated.load();
      while (q < known && !first_repeated.compare_exchange_weak(known, q)) {
      }
    }
    write(q, std::span<const Entry>(own.entries.data(), count));
  });
  if (first_repeated.load() == queries) return;
  throw Error(ErrorCode::invalid_data,
              "shards: query " + std::to_string(first_repeated.load()) +
                  " has an item twice; every item must stand in one shard only");
}

constexpr auto kNoMemory = [] {
  return std::string("no memory to merge the shards' results; merge fewer queries at once");
};

SearchResult merged(std::span<const SearchResult> shards, std::size_t k,
                    const MergeOptions& options) {
  check_options(options);
  const int threads = api::checked_threads(options.threads);
  if (shards.empty())
    throw Error(ErrorCode::invalid_argument, "shards: there are none; give at least one");
  const std::size_t queries = shards[0].queries;
  Lists lists(queries, shards.size());
  for (std::size_t s = 0; s < shards.size(); ++s) {
    base::throw_if_stopped();
    const SearchResult& shard = shards[s];
    if (shard.queries != queries) {
      refuse(s, "has results of " + std::to_string(shard.queries) + " queries, but the first has " +
                    std::to_string(queries));
    }
    if (shard.counts.size() != queries || (queries != 0 && shard.ids.size() / queries != shard.k) ||
        shard.ids.size() % std::max<std::size_t>(1, queries) != 0 ||
        shard.scores.size() != shard.ids.size()) {
      refuse(s,
             "is not a result of a search: ids and scores must be [queries, k], counts [queries]");
    }
    for (std::size_t q = 0; q < queries; ++q) {
      const std::int64_t count = shard.counts[q];
      if (count < 0 || static_cast<std::uint64_t>(count) > shard.k) {
        refuse(s, "has " + std::to_string(count) + " results for query " + std::to_string(q) +
                      ", of k = " + std::to_string(shard.k));
      }
      if (shard.k < k && static_cast<std::uint64_t>(count) == shard.k) {
        refuse(s, "was asked for " + std::to_string(shard.k) +
                      " results and may hold more; ask every shard for " + std::to_string(k) +
                      " or more");
      }
      lists.of(q, s) = {shard.ids.data() + q * shard.k, shard.scores.data() + q * shard.k,
                        static_cast<std::size_t>(count)};
      check_list(lists.of(q, s), s, q, options);
    }
  }
  SearchResult result = api::room_for(queries, k);
  const search::Reported reported = {options.metric, options.normalized,
                                     options.score_kind == ScoreKind::keys};
  merge_all(lists, queries, shards.size(), k, threads,
            [&](std::size_t q, std::span<const Entry> best) noexcept {
              search::write_results(
                  best, reported, q, k,
                  {result.ids.data(), result.scores.data(), result.counts.data()});
            });
  return result;
}

RangeResult merged(std::span<const RangeResult> shards, const MergeOptions& options) {
  check_options(options);
  const int threads = api::checked_threads(options.threads);
  if (shards.empty())
    throw Error(ErrorCode::invalid_argument, "shards: there are none; give at least one");
  if (shards[0].offsets.empty())
    refuse(0, "has no offsets; a range result has one more than queries");
  const std::size_t queries = shards[0].offsets.size() - 1;
  Lists lists(queries, shards.size());
  RangeResult result;
  result.offsets.assign(queries + 1, 0);
  for (std::size_t s = 0; s < shards.size(); ++s) {
    base::throw_if_stopped();
    const RangeResult& shard = shards[s];
    if (shard.offsets.size() != queries + 1) {
      refuse(s, "has " + std::to_string(shard.offsets.size()) + " offsets, but the first has " +
                    std::to_string(queries + 1));
    }
    if (shard.offsets[0] != 0 || !std::is_sorted(shard.offsets.begin(), shard.offsets.end()) ||
        static_cast<std::uint64_t>(shard.offsets.back()) != shard.ids.size() ||
        shard.scores.size() != shard.ids.size()) {
      refuse(
          s,
          "is not a result of search_range: offsets rise from 0 to the number of ids and scores");
    }
    for (std::size_t q = 0; q < queries; ++q) {
      const auto begin = static_cast<std::size_t>(shard.offsets[q]);
      const auto size = static_cast<std::size_t>(shard.offsets[q + 1]) - begin;
      lists.of(q, s) = {shard.ids.data() + begin, shard.scores.data() + begin, size};
      check_list(lists.of(q, s), s, q, options);
      result.offsets[q + 1] += static_cast<std::int64_t>(size);
    }
  }
  for (std::size_t q = 0; q < queries; ++q) result.offsets[q + 1] += result.offsets[q];
  const auto total = static_cast<std::size_t>(result.offsets.back());
  result.ids.resize(total);
  result.scores.resize(total);
  const search::Reported reported = {options.metric, options.normalized,
                                     options.score_kind == ScoreKind::keys};
  merge_all(lists, queries, shards.size(), total, threads,
            [&](std::size_t q, std::span<const Entry> all) noexcept {
              const auto begin = static_cast<std::size_t>(result.offsets[q]);
              for (std::size_t i = 0; i < all.size(); ++i) {
                result.ids[begin + i] = all[i].id;
                result.scores[begin + i] = reported.score(all[i].key);
              }
            });
  return result;
}

}  // namespace

SearchResult merge(std::span<const SearchResult> shards, std::size_t k,
                   const MergeOptions& options) {
  return base::entry(options.stop, kNoMemory, [&] { return merged(shards, k, options); });
}

RangeResult merge(std::span<const RangeResult> shards, const MergeOptions& options) {
  return base::entry(options.stop, kNoMemory, [&] { return merged(shards, options); });
}

}  // namespace v0_1
}  // namespace maxdot
