// Ranges whose queries leave the codes for f32: every item once, whatever the size of the batch.

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "maxdot/index.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

/// What the specification returns.
RangeResult brute_force(const test::Rows& items, const test::Rows& queries, double threshold,
                        Metric metric) {
  RangeResult right{{0}, {}, {}};
  const SearchResult all =
      reference::top_k(items.view(), queries.view(), items.rows, metric, false, nullptr, 2);
  for (std::size_t i = 0; i < all.ids.size(); ++i) {
    const double score = all.scores[i];
    if (metric == Metric::euclidean ? score <= threshold : score >= threshold) {
      right.ids.push_back(all.ids[i]);
      right.scores.push_back(score);
    }
    if ((i + 1) % items.rows == 0)
      right.offsets.push_back(static_cast<std::int64_t>(right.ids.size()));
  }
  return right;
}

void check(const test::Rows& items, const test::Rows& queries, double threshold, Metric metric) {
  const Index index = Index::build(items.view(), {.metric = metric});
  const RangeResult right = brute_force(items, queries, threshold, metric);
  for (const int threads : {1, 2}) {
    CAPTURE(threads);
    SearchStats stats;
    const RangeResult got = index.search_range(queries.view(), std::vector<double>{threshold},
                                               {.threads = threads, .stats = &stats});
    REQUIRE(got.offsets == right.offsets);
    REQUIRE(got.ids == right.ids);
    REQUIRE(got.scores == right.scores);
    // The path that this file is about.
    CHECK(stats.queries_by_f32 > 0);
  }
}

}  // namespace

TEST_CASE("a range of more queries than one f32 task holds, all out of the codes' range") {
  // From 2,048 queries on, one thread takes them 512 at a time.
  test::Rows queries = test::gaussian_rows(2100, 5, 1);
  for (float& value : queries.values) value *= 1e13F;
  check(test::gaussian_rows(1100, 5, 2), queries, 0.3, Metric::cosine);
}

TEST_CASE("a range of more queries than one f32 task holds, sent to f32 by the sample") {
  test::Rows items = test::gaussian_rows(4096, 16, 3);
  for (float& value : items.values) value = 1.0F + 1e-4F * value;
  test::Rows queries = test::gaussian_rows(2100, 16, 4);
  for (float& value : queries.values) value = 1.0F + 1e-4F * value;
  const SearchResult some =
      reference::top_k(items.view(), queries.view().slice(0, 1), 60, Metric::dot, false);
  check(items, queries, some.scores[59], Metric::dot);
}

TEST_CASE(
    "a range returns no item twice when a query leaves the codes: infinite bounds pass every "
    "threshold") {
  test::Rows items = test::gaussian_rows(2048, 8, 5);
  std::fill_n(items.values.begin() + 77 * 8, 8, 1e-44F);
  test::Rows queries = test::gaussian_rows(8, 8, 6);
  for (std::size_t j = 0; j < 8; ++j) queries.values[3 * 8 + j] *= 1.4e13F;
  for (const Metric metric : {Metric::dot, Metric::cosine}) {
    check(items, queries, -std::numeric_limits<double>::infinity(), metric);
  }
}

TEST_CASE(
    "a range returns no item twice when an ordinary query leaves the codes: one tight cluster") {
  // So many that the sample of every tuning record shows that codes do not suit the query.
  test::Rows items = test::gaussian_rows(16384, 8, 7);
  for (float& value : items.values) value = 1.0F + 1e-5F * value;
  // Its norm is denormal: under cosine its bound is infinite, and its cosine is 1.
  std::fill_n(items.values.begin() + 99 * 8, 8, 1e-44F);
  const test::Rows queries{std::vector<float>(16 * 8, 1.0F), 16, 8};
  const SearchResult all =
      reference::top_k(items.view(), queries.view(), items.rows, Metric::cosine, false);
  // Half of the items: enough wasted work for the query to leave the codes.
  check(items, queries, all.scores[items.rows / 2], Metric::cosine);
}
