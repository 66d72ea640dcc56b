// Floors: a search that is told what a result must reach finds all that reaches it, whatever
// screens the items, and however little the codes tell.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/kernels.hpp"
#include "search/search.hpp"
#include "store/encode.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

const search::Method kMethods[] = {search::Method::f32, search::Method::coarse,
                                   search::Method::five, search::Method::six, search::Method::fine};

struct Asked {
  const store::ItemStore& store;
  const test::Rows& queries;
  std::size_t k;
  Metric metric;
};

SearchResult run(const Asked& asked, const kernels::KernelTable& table, search::Method method,
                 int threads, std::span<const double> floors, SearchStats* stats = nullptr) {
  const std::size_t cells = asked.queries.rows * asked.k;
  SearchResult result{asked.queries.rows, asked.k, std::vector<std::int64_t>(cells),
                      std::vector<double>(cells), std::vector<std::int64_t>(asked.queries.rows)};
  const MatrixView view = asked.queries.view();
  search::Request request = {view, asked.k, asked.metric, threads, stats, method};
  request.keys = true;
  request.floors = floors;
  search::search(asked.store, table, request,
                 {result.ids.data(), result.scores.data(), result.counts.data()});
  return result;
}

std::shared_ptr<const store::ItemStore> encode(const test::Rows& items) {
  Matrix rows(items.rows, items.cols, DType::f32);
  std::copy(items.values.begin(), items.values.end(), static_cast<float*>(rows.data()));
  return store::encode(std::move(rows), {Metric::dot, false, {}, 2}, kernels::active_table());
}

/// Every result of `expected` whose key reaches the floor must stand at its place in `got`.
void check(const SearchResult& got, const SearchResult& expected, std::span<const double> floors) {
  for (std::size_t q = 0; q < expected.queries; ++q) {
    const std::size_t begin = q * expected.k;
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(expected.counts[q]); ++i) {
      if (expected.scores[i] < floors[q]) break;
      CAPTURE(q);
      CAPTURE(i - begin);
      REQUIRE(static_cast<std::int64_t>(i - begin) < got.counts[q]);
      REQUIRE(got.ids[i] == expected.ids[i]);
      REQUIRE(got.scores[i] == expected.scores[i]);
    }
  }
}

}  // namespace

TEST_CASE("with floors, all that reaches them is found: nasty data, every method and kernel") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    const test::Rows items = generator.make(3000, 19, 1);
    const test::Rows queries = generator.make(9, 19, 2);
    const auto store = encode(items);
    test::Random random(7);
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
      for (const std::size_t k : {std::size_t{1}, std::size_t{10}, std::size_t{60}}) {
        const Asked asked = {*store, queries, k, metric};
        const SearchResult expected =
            run(asked, kernels::active_table(), search::Method::f32, 1, {});
        // The key of any of the results, which ties reach, or the next number above or below it.
        std::vector<double> floors(queries.rows);
        for (std::size_t q = 0; q < floors.size(); ++q) {
          const double key = expected.scores[q * k + random.below(k)];
          const double up = std::numeric_limits<double>::infinity();
          const std::size_t dice = random.below(3);
          floors[q] = dice == 0 ? key : std::nextafter(key, dice == 1 ? up : -up);
        }
        for (const kernels::KernelTable* table : kernels::runnable_tables()) {
          for (const search::Method method : kMethods) {
            CAPTURE(table->name);
            CAPTURE(static_cast<int>(method));
            CAPTURE(k);
            check(run(asked, *table, method, 1 + static_cast<int>(random.below(2)), floors),
                  expected, floors);
          }
        }
      }
    }
  }
}

TEST_CASE("floors that lie low, where the codes tell nothing: the queries leave them") {
  // All rows lie so close together that every item's bound reaches every floor.
  test::Rows items = test::gaussian_rows(20'000, 16, 1);
  const test::Rows centre = test::gaussian_rows(1, 16, 2);
  for (std::size_t i = 0; i < items.values.size(); ++i)
    items.values[i] = centre.values[i % 16] + 1e-5F * items.values[i];
  const test::Rows queries = test::gaussian_rows(6, 16, 3);
  const auto store = encode(items);
  const Asked asked = {*store, queries, 10, Metric::dot};
  const SearchResult expected = run(asked, kernels::active_table(), search::Method::f32, 1, {});
  const std::vector<double> floors(queries.rows, -1e300);
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    for (const search::Method method : {search::Method::coarse, search::Method::fine}) {
      SearchStats stats;
      const SearchResult got = run(asked, *table, method, 2, floors, &stats);
      CHECK(test::difference(got, expected) == "");
      CHECK(stats.queries_by_f32 == queries.rows);
    }
  }
}
