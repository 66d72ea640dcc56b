// Shards: the items dealt out to several indexes, each asked for keys, and the results merged: as
// one index over all.

#include <cstring>

#include "compare.hpp"
#include "maxdot/merge.hpp"
#include "runners.hpp"
#include "subject.hpp"

namespace fuzz {
namespace {

struct Shard {
  Rows items;
  std::vector<std::int64_t> ids = {};
  std::vector<std::uint8_t> mask = {};
};

template <typename T>
void append_row(std::vector<T>& to, const std::vector<T>& from, std::size_t row, std::size_t cols) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(row * cols);
  to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(cols));
}

std::vector<Shard> deal(const Case& drawn, Random& random) {
  const std::size_t count = random.between(1, 7);
  const bool in_turn = random.one_in(2);
  std::vector<Shard> shards(count, Shard{{drawn.items.dtype, 0, drawn.items.cols}});
  for (std::size_t row = 0; row < drawn.items.rows; ++row) {
    // In turn, or in pieces, some of which are small or empty.
    const std::size_t piece = row * row / drawn.items.rows * count / drawn.items.rows;
    Shard& shard = shards[in_turn ? row % count : piece];
    if (drawn.items.dtype == maxdot::DType::f32)
      append_row(shard.items.floats, drawn.items.floats, row, drawn.items.cols);
    if (drawn.items.dtype == maxdot::DType::f16)
      append_row(shard.items.halves, drawn.items.halves, row, drawn.items.cols);
    ++shard.items.rows;
    shard.ids.push_back(drawn.id(row));
    if (!drawn.mask.empty()) shard.mask.push_back(drawn.mask[row]);
  }
  return shards;
}

/// What each shard finds; search(index, options) asks it.
template <typename Result, typename Search>
std::vector<Result> ask(const Case& drawn, const std::vector<Shard>& shards, Random& random,
                        Search&& search) {
  std::vector<Result> results;
  for (const Shard& shard : shards) {
    const maxdot::BuildOptions build = {drawn.index_metric, drawn.normalized, shard.ids,
                                        draw_threads(random)};
    const maxdot::Index index = maxdot::Index::build(shard.items.view(), build);
    maxdot::SearchOptions options;
    options.threads = draw_threads(random);
    options.metric = drawn.metric;
    options.filters = drawn.filters();
    options.filters.item_mask = shard.mask;
    options.score_kind = maxdot::ScoreKind::keys;
    results.emplace_back();
    call_anywhere(random, "a shard's search", [&] { results.back() = search(index, options); });
  }
  return results;
}

maxdot::MergeOptions merge_options(const Case& drawn, Random& random) {
  return {drawn.metric, drawn.normalized, maxdot::ScoreKind::scores, draw_threads(random)};
}

/// Merges the first shards before all, as a tree of servers would.
template <typename Result, typename Merge>
void merge_some(std::vector<Result>& results, maxdot::MergeOptions options, Random& random,
                Merge&& merge) {
  const std::size_t some = random.between(1, results.size());
  const std::vector<Result> first(results.begin(),
                                  results.begin() + static_cast<std::ptrdiff_t>(some));
  results.erase(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(some - 1));
  options.score_kind = maxdot::ScoreKind::keys;
  call_anywhere(random, "merge of some", [&] { results[0] = merge(first, options); });
}

void check_search(const Case& drawn, const std::vector<Shard>& shards, const oracle::Oracle& oracle,
                  Random& random) {
  Expected expected;
  for (std::size_t q = 0; q < drawn.queries.rows; ++q) expected.push_back(oracle.best(q, drawn.k));
  auto results =
      ask<maxdot::SearchResult>(drawn, shards, random, [&](const auto& index, const auto& options) {
        return index.search(drawn.queries.view(), drawn.k, options);
      });
  const maxdot::MergeOptions options = merge_options(drawn, random);
  const auto merge = [&](const auto& some, const auto& how) {
    return maxdot::merge(some, drawn.k, how);
  };
  if (random.one_in(3)) merge_some(results, options, random, merge);
  maxdot::SearchResult got;
  call_anywhere(random, "merge", [&] { got = merge(results, options); });
  compare(got, expected, drawn, "merged shards");
}

void check_range(const Case& drawn, const std::vector<Shard>& shards, const oracle::Oracle& oracle,
                 Random& random) {
  std::vector<double> thresholds(drawn.queries.rows, 0.0);
  Expected expected;
  for (std::size_t q = 0; q < drawn.queries.rows; ++q) {
    const std::size_t row = random.below(drawn.items.rows);
    thresholds[q] = oracle.pair(q, row).score;
    expected.push_back(oracle.within(q, thresholds[q]));
  }
  auto results =
      ask<maxdot::RangeResult>(drawn, shards, random, [&](const auto& index, const auto& options) {
        return index.search_range(drawn.queries.view(), thresholds, options);
      });
  const maxdot::MergeOptions options = merge_options(drawn, random);
  const auto merge = [&](const auto& some, const auto& how) { return maxdot::merge(some, how); };
  if (random.one_in(3)) merge_some(results, options, random, merge);
  maxdot::RangeResult got;
  call_anywhere(random, "merge", [&] { got = merge(results, options); });
  compare(got, expected, drawn, "merged shards' ranges");
}

}  // namespace

void run_shards(const Case& drawn, Random& random) {
  const oracle::Oracle oracle = drawn.oracle();
  const std::vector<Shard> shards = deal(drawn, random);
  const bool few = drawn.items.rows * drawn.queries.rows <= 400'000;
  if (drawn.items.rows != 0 && few && random.one_in(3)) {
    check_range(drawn, shards, oracle, random);
  } else {
    check_search(drawn, shards, oracle, random);
  }
}

}  // namespace fuzz
