// Ranges: every item that reaches the threshold, once, whatever method finds it.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "search/filter_case.hpp"
#include "search/variants/range.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::test;

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
    // The path that these cases are about.
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

TEST_CASE("tiles of denormal scale beside ordinary ones are not dropped") {
  test::Rows items{std::vector<float>(12288, -1.0F), 12288, 1};
  std::fill(items.values.begin() + 4096, items.values.begin() + 8192, 1e-37F);
  std::fill(items.values.begin() + 8192, items.values.end(), 2e-37F);
  const test::Rows queries{std::vector<float>(64, 1.0F), 64, 1};
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const SearchResult right =
      reference::top_k(items.view(), queries.view(), 10, Metric::dot, false, nullptr, 1);
  for (const std::size_t count : {std::size_t{1}, std::size_t{16}, std::size_t{64}}) {
    const SearchResult got =
        index.search(MatrixView::f32(queries.values.data(), count, 1), 10, {.threads = 1});
    CHECK(std::equal(got.ids.begin(), got.ids.end(), right.ids.begin()));
    const std::vector<double> threshold = {5e-38};
    CHECK(index.search_range(MatrixView::f32(queries.values.data(), count, 1), threshold)
              .ids.size() == 8192 * count);
  }
}

TEST_CASE("a range holds every item that reaches the threshold, for every metric and method") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    for (const std::size_t n : {std::size_t{0}, std::size_t{65}, std::size_t{20000}}) {
      FilterCase data{generator.make(n, 7, 5), {}, generator.make(5, 7, 6)};
      std::fill_n(data.queries.values.begin(), 7, 0.0F);
      if (n > 3) std::copy_n(data.items.values.begin(), 7, data.queries.values.begin() + 7);
      test::Random random(4);
      if (n > 0) data.exclude = random_items(data, 20, random);
      for (const Metric metric : kMetrics) {
        for (const bool normalized : {false, true}) {
          if (n == 20000 && normalized && metric != Metric::euclidean) continue;
          CAPTURE(n);
          CAPTURE(to_string(metric));
          CAPTURE(normalized);
          const auto store = data.encode(normalized);
          const SearchResult all = data.expected(n, metric, normalized);
          for (const std::size_t place : {std::size_t{0}, std::size_t{50}, n / 2}) {
            std::vector<double> thresholds(5, place % 2 == 0 ? worst(metric) : -worst(metric));
            // A score that occurs, in all its places.
            for (std::size_t q = 0; n > place && q < 4; ++q)
              thresholds[q] = all.scores[q * n + place];
            RangeResult right{{0}, {}, {}};
            for (std::size_t q = 0; q < 5; ++q) {
              for (std::size_t i = q * n;
                   i < q * n + static_cast<std::size_t>(n == 0 ? 0 : all.counts[q]); ++i) {
                const double score = all.scores[i];
                if (metric == Metric::euclidean ? score > thresholds[q] : score < thresholds[q])
                  continue;
                right.ids.push_back(all.ids[i]);
                right.scores.push_back(score);
              }
              right.offsets.push_back(static_cast<std::int64_t>(right.ids.size()));
            }
            const Filters given = data.filters();
            const search::FilterRequest filter = {given};
            for (const auto method :
                 {search::Method::f32, search::Method::coarse, search::Method::five,
                  search::Method::six, search::Method::fine}) {
              search::Request request = {data.queries.view(), 0, metric, 2, nullptr, method};
              if (n > 0) request.filters = &filter;
              const RangeResult got =
                  search::range(*store, kernels::active_table(), request, thresholds);
              REQUIRE(got.offsets == right.offsets);
              REQUIRE(got.ids == right.ids);
              REQUIRE(got.scores == right.scores);
            }
          }
        }
      }
    }
  }
  const Index index = Index::build(test::gaussian_rows(10, 4, 1).view());
  const std::vector<double> nan = {std::nan("")};
  const std::vector<double> three(3);
  CHECK_THROWS_WITH_AS(index.search_range(test::gaussian_rows(2, 4, 1).view(), nan),
                       "thresholds: element 0 is NaN", Error);
  CHECK_THROWS_WITH_AS(index.search_range(test::gaussian_rows(2, 4, 1).view(), three),
                       doctest::Contains("thresholds: has 3 values, but there are 2 queries"),
                       Error);
}
