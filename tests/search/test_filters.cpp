// Searches with filters, against brute force with the same rules.

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "search/filter_case.hpp"

using namespace maxdot;
using namespace maxdot::test;

TEST_CASE("filters on adversarial data, every metric, method, instruction set and thread count") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    for (const bool own_ids : {false, true}) {
      CAPTURE(own_ids);
      FilterCase data{generator.make(333, 19, 7),
                      own_ids ? scattered_ids(333) : std::vector<std::int64_t>{},
                      generator.make(7, 19, 8)};
      std::copy_n(data.items.values.begin(), 3 * 19, data.queries.values.begin());
      test::Random random(3);
      data.exclude = random_items(data, 60, random);
      for (const Metric metric : kMetrics)
        data.check(17, metric, metric == Metric::dot && own_ids, {1, 2});
      data.allow = random_items(data, 200, random);
      for (const Metric metric : kMetrics) data.check(17, metric, false, {2});
      data.mask.resize(333);
      for (std::uint8_t& value : data.mask) value = static_cast<std::uint8_t>(random.below(3));
      for (const Metric metric : kMetrics) data.check(40, metric, metric == Metric::euclidean, {2});
    }
  }
}

TEST_CASE("filters that permit nothing, everything, or one item; k beyond what is permitted") {
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{200}}) {
    CAPTURE(n);
    FilterCase data{test::gaussian_rows(n, 5, n), {}, test::gaussian_rows(9, 5, 2)};
    test::Lists all(9);
    for (std::size_t q = 0; q < 9; ++q) {
      for (std::size_t row = 0; row < n; ++row) {
        if (q % 3 == 0 || (q % 3 == 1 && row != n / 2))
          all[q].push_back(static_cast<std::int64_t>(row));
      }
    }
    for (const std::size_t k : {std::size_t{1}, std::size_t{10}, n + 5}) {
      data.exclude = test::to_csr(all);
      data.allow = {};
      data.mask.clear();
      data.check(k, Metric::dot, false, {1, 2});
      std::swap(data.exclude, data.allow);
      data.check(k, Metric::cosine, false, {1, 2});
      data.mask.assign(n, 0);
      data.check(k, Metric::dot, false, {1});
      data.mask.back() = 255;
      data.check(k, Metric::euclidean, false, {1});
    }
  }
}

TEST_CASE("guessed thresholds with filters: the best items excluded, most masked out, few left") {
  for (const char* name : {"gaussian", "clustered", "duplicates"}) {
    const auto generator =
        std::find_if(test::generators().begin(), test::generators().end(),
                     [&](const test::Generator& g) { return g.name.find(name) == 0; });
    if (generator == test::generators().end()) continue;
    CAPTURE(name);
    FilterCase data{generator->make(20000, 8, 5), {}, generator->make(6, 8, 6)};
    const SearchResult all = reference::top_k(data.items.view(), data.queries.view(), 20000,
                                              Metric::dot, false, nullptr, 2);
    for (const std::size_t best :
         {std::size_t{10}, std::size_t{1000}, std::size_t{10000}, std::size_t{19950}}) {
      CAPTURE(best);
      test::Lists lists(6);
      for (std::size_t q = 0; q < 6; ++q) {
        lists[q].assign(all.ids.begin() + static_cast<std::ptrdiff_t>(q * 20000),
                        all.ids.begin() + static_cast<std::ptrdiff_t>(q * 20000 + best));
      }
      data.exclude = test::to_csr(lists);
      data.mask.clear();
      data.check(100, Metric::dot, false, {1, 2});
      data.check(1, Metric::cosine, false, {2});
    }
    data.exclude = {};
    test::Random random(9);
    data.mask.resize(20000);
    for (const std::size_t share : {std::size_t{2}, std::size_t{100}, std::size_t{2000}}) {
      for (std::uint8_t& value : data.mask) value = random.below(share) == 0 ? 1 : 0;
      data.check(100, Metric::dot, false, {1, 2});
    }
    // Only rows that no sample reads.
    std::fill(data.mask.begin(), data.mask.end(), std::uint8_t{0});
    std::fill_n(data.mask.begin(), 500, std::uint8_t{1});
    data.check(20, Metric::euclidean, false, {2});
  }
}

TEST_CASE("the public search checks filters and reports how it served them") {
  const test::Rows items = test::gaussian_rows(5000, 8, 1);
  const test::Rows queries = test::gaussian_rows(3, 8, 2);
  const Index index = Index::build(items.view());
  const std::vector<std::uint8_t> short_mask(4999, 1);
  const OwnedIdLists two = test::to_csr({{1}, {2}});
  CHECK_THROWS_WITH_AS(
      index.search(queries.view(), 3, {.filters = {.exclude = two}}),
      "exclude: has 2 lists, but there are 3 queries; give each one, which may be empty", Error);
  CHECK_THROWS_WITH_AS(index.search(queries.view(), 3, {.filters = {.allow = {{}, two.ids}}}),
                       doctest::Contains("allow: there are ids but no offsets"), Error);
  CHECK_THROWS_WITH_AS(
      index.search(queries.view(), 3, {.filters = {.item_mask = short_mask}}),
      doctest::Contains("item_mask: has 4999 values, but the index has 5000 items"), Error);
  SearchStats stats;
  const OwnedIdLists allow = test::to_csr({{1, 2, 3}, {}, {4999}});
  const SearchResult found =
      index.search(queries.view(), 2, {.stats = &stats, .filters = {.allow = allow}});
  CHECK(stats.queries == 3);
  CHECK(stats.queries_by_list == 3);
  CHECK(stats.rescored == 4);
  CHECK(found.counts == std::vector<std::int64_t>{2, 0, 1});
  CHECK(found.ids[4] == 4999);
  CHECK(Index::build(MatrixView::f32(nullptr, 0, 8))
            .search(queries.view(), 2, {.filters = {.allow = allow}})
            .ids[0] == -1);
}
