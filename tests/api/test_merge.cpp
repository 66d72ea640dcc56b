// Shards' results, merged, are those of one index, bit for bit.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "maxdot/merge.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

const Metric kMetrics[] = {Metric::dot, Metric::cosine, Metric::euclidean};

/// The rows dealt out to `count` indexes in turn, each row with its own number as id.
std::vector<Index> shards_of(const test::Rows& rows, std::size_t count, Metric metric,
                             bool normalize) {
  std::vector<Index> shards;
  for (std::size_t s = 0; s < count; ++s) {
    test::Rows own{{}, 0, rows.cols};
    std::vector<std::int64_t> ids;
    for (std::size_t r = s; r < rows.rows; r += count) {
      own.values.insert(own.values.end(),
                        rows.values.begin() + static_cast<std::ptrdiff_t>(r * rows.cols),
                        rows.values.begin() + static_cast<std::ptrdiff_t>((r + 1) * rows.cols));
      ids.push_back(static_cast<std::int64_t>(r));
      ++own.rows;
    }
    shards.push_back(Index::build(
        own.view(), {.metric = metric, .normalize = normalize, .ids = ids, .threads = 1}));
  }
  return shards;
}

}  // namespace

TEST_CASE("distances that round to the same number stand in the order of their keys") {
  const std::vector<float> rows = {1.0F, 0.0F, 1.0F, 0x1p-26F};
  const std::vector<std::int64_t> ids = {5, 3};
  const Index index =
      Index::build(MatrixView::f32(rows.data(), 2, 2), {.metric = Metric::euclidean, .ids = ids});
  const std::vector<float> zero = {0.0F, 0.0F};
  const SearchResult found = index.search(MatrixView::f32(zero.data(), 1, 2), 2);
  CHECK(found.ids == std::vector<std::int64_t>{5, 3});
  CHECK(found.scores[0] == found.scores[1]);
  const SearchResult keys =
      index.search(MatrixView::f32(zero.data(), 1, 2), 2, {.score_kind = ScoreKind::keys});
  CHECK(keys.scores[0] == -1.0);
  CHECK(keys.scores[1] == -1.0 - 0x1p-52);
}

TEST_CASE("merged shards equal one index, bit for bit") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    const test::Rows rows = generator.make(200, 9, 3);
    test::Rows queries = generator.make(6, 9, 4);
    std::copy_n(rows.values.begin(), 2 * 9, queries.values.begin());
    for (const Metric metric : kMetrics) {
      CAPTURE(to_string(metric));
      for (const bool normalize : {false, true}) {
        CAPTURE(normalize);
        const Index one = Index::build(rows.view(), {.metric = metric, .normalize = normalize});
        const MergeOptions options = {metric, normalize};
        for (const std::size_t count : {std::size_t{1}, std::size_t{3}, std::size_t{7}}) {
          const std::vector<Index> shards = shards_of(rows, count, metric, normalize);
          for (const std::size_t k : {std::size_t{0}, std::size_t{1}, std::size_t{17},
                                      std::size_t{200}, std::size_t{300}}) {
            CAPTURE(k);
            std::vector<SearchResult> found;
            std::vector<SearchResult> multi;
            for (const Index& shard : shards) {
              found.push_back(shard.search(queries.view(), k, {.score_kind = ScoreKind::keys}));
              multi.push_back(
                  shard.search_multi(queries.view(), 2, k, {.score_kind = ScoreKind::keys}));
            }
            REQUIRE(test::difference(merge(found, k, options), one.search(queries.view(), k)) ==
                    "");
            REQUIRE(test::difference(merge(multi, k, options),
                                     one.search_multi(queries.view(), 2, k)) == "");
            MergeOptions again = options;
            again.score_kind = ScoreKind::keys;
            const std::vector<SearchResult> once = {merge(found, k, again)};
            REQUIRE(test::difference(once[0], one.search(queries.view(), k,
                                                         {.score_kind = ScoreKind::keys})) == "");
            REQUIRE(test::difference(merge(once, k, options), one.search(queries.view(), k)) == "");
          }
          const double place = one.search(queries.view().slice(3, 1), 50).scores[49];
          const std::vector<double> threshold = {place};
          std::vector<RangeResult> ranges;
          for (const Index& shard : shards) {
            ranges.push_back(
                shard.search_range(queries.view(), threshold, {.score_kind = ScoreKind::keys}));
          }
          const RangeResult range = merge(ranges, options);
          const RangeResult whole = one.search_range(queries.view(), threshold);
          REQUIRE(range.offsets == whole.offsets);
          REQUIRE(range.ids == whole.ids);
          REQUIRE(range.scores == whole.scores);
        }
      }
    }
  }
}

TEST_CASE("merge refuses what cannot be merged") {
  const test::Rows rows = test::gaussian_rows(40, 4, 1);
  const test::Rows queries = test::gaussian_rows(3, 4, 2);
  const std::vector<Index> shards = shards_of(rows, 2, Metric::euclidean, false);
  const MergeOptions options = {Metric::euclidean, false};
  const auto found = [&](std::size_t k, ScoreKind kind) {
    std::vector<SearchResult> results;
    for (const Index& shard : shards)
      results.push_back(shard.search(queries.view(), k, {.score_kind = kind}));
    return results;
  };
  const auto says = [](auto call, const char* part) {
    CHECK_THROWS_WITH_AS(call(), doctest::Contains(part), Error);
  };
  says([&] { return merge(found(5, ScoreKind::scores), 5, options); },
       "holds no results with keys");
  says([&] { return merge(found(5, ScoreKind::keys), 6, options); },
       "ask every shard for 6 or more");
  // A shard that holds fewer items than were asked for has no more to give.
  CHECK(merge(found(30, ScoreKind::keys), 40, options).counts[0] == 40);
  says([&] { return merge(std::vector<SearchResult>{}, 5, options); }, "there are none");
  std::vector<SearchResult> twice = found(5, ScoreKind::keys);
  twice.push_back(twice[0]);
  says([&] { return merge(twice, 5, options); }, "has an item twice");
  std::vector<SearchResult> other = found(5, ScoreKind::keys);
  other[1] = shards[1].search(queries.view().slice(0, 2), 5, {.score_kind = ScoreKind::keys});
  says([&] { return merge(other, 5, options); }, "shard 1 has results of 2 queries");
  std::vector<SearchResult> cut = found(5, ScoreKind::keys);
  cut[1].ids.pop_back();
  says([&] { return merge(cut, 5, options); }, "shard 1 is not a result of a search");
  std::vector<SearchResult> wrong = found(5, ScoreKind::keys);
  wrong[0].scores[1] = std::nan("");
  says([&] { return merge(wrong, 5, options); }, "query 0, place 1");
  wrong = found(5, ScoreKind::keys);
  wrong[0].counts[2] = 6;
  says([&] { return merge(wrong, 5, options); }, "has 6 results for query 2");
  says(
      [&] {
        return merge(found(5, ScoreKind::keys), 5, {static_cast<Metric>(9), false});
      },
      "metric: 9");
  std::vector<RangeResult> ranges(2, RangeResult{{0, 2}, {1, 2}, {-1.0, -2.0}});
  ranges[1].offsets[1] = 3;
  says([&] { return merge(ranges, options); }, "shard 1 is not a result of search_range");
  CHECK_THROWS_WITH_AS(
      merge(found(std::numeric_limits<std::size_t>::max() / 2, ScoreKind::keys), 5, options),
      doctest::Contains("do not fit in memory"), Error);
}
