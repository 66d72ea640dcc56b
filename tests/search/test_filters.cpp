// Searches with filters, of several interests, and of a range, against brute force with the same
// rules.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/hash.hpp"
#include "id_lists.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "search/collect/id_set.hpp"
#include "search/filter/row_set.hpp"
#include "search/search.hpp"
#include "search/variants/multi.hpp"
#include "search/variants/range.hpp"
#include "store/encode.hpp"
#include "store/id_map.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

const Metric kMetrics[] = {Metric::dot, Metric::cosine, Metric::euclidean};
const search::Method kMethods[] = {search::Method::f32,  search::Method::coarse,
                                   search::Method::five, search::Method::six,
                                   search::Method::fine, search::Method::listed};

double worst(Metric metric) {
  const double infinity = std::numeric_limits<double>::infinity();
  return metric == Metric::euclidean ? infinity : -infinity;
}

/// Ids that are neither rows nor in their order.
std::vector<std::int64_t> scattered_ids(std::size_t n) {
  std::vector<std::int64_t> ids(n);
  for (std::size_t i = 0; i < n; ++i)
    ids[i] = static_cast<std::int64_t>((i * 7919 + 13) % n) * 1000 + 5;
  return ids;
}

struct Case {
  test::Rows items;
  std::vector<std::int64_t> ids;  // empty: rows
  test::Rows queries;
  OwnedIdLists exclude = {};
  OwnedIdLists allow = {};
  std::vector<std::uint8_t> mask = {};

  Filters filters() const { return {exclude, allow, mask}; }
  std::int64_t id(std::size_t row) const {
    return ids.empty() ? static_cast<std::int64_t>(row) : ids[row];
  }

  bool permits(std::size_t query, std::int64_t item, std::size_t row) const {
    const auto has = [&](const IdLists& lists) {
      const auto list = lists.of(query);
      return std::find(list.begin(), list.end(), item) != list.end();
    };
    if (!mask.empty() && mask[row] == 0) return false;
    if (!exclude.offsets.empty() && has(exclude)) return false;
    return allow.offsets.empty() || has(allow);
  }

  /// Everything in order, then what is not permitted dropped.
  SearchResult expected(std::size_t k, Metric metric, bool normalized) const {
    const std::size_t n = items.rows;
    const SearchResult all = reference::top_k(items.view(), queries.view(), n, metric, normalized,
                                              ids.empty() ? nullptr : ids.data(), 2);
    std::vector<std::pair<std::int64_t, std::size_t>> rows;
    for (std::size_t row = 0; row < n; ++row) rows.emplace_back(id(row), row);
    std::sort(rows.begin(), rows.end());
    SearchResult result{queries.rows, k, std::vector<std::int64_t>(queries.rows * k, -1),
                        std::vector<double>(queries.rows * k, worst(metric)),
                        std::vector<std::int64_t>(queries.rows)};
    for (std::size_t q = 0; q < queries.rows; ++q) {
      std::size_t kept = 0;
      for (std::size_t i = q * n; i < (q + 1) * n && kept < k; ++i) {
        const std::size_t row =
            std::lower_bound(rows.begin(), rows.end(), std::pair(all.ids[i], std::size_t{0}))
                ->second;
        if (!permits(q, all.ids[i], row)) continue;
        result.ids[q * k + kept] = all.ids[i];
        result.scores[q * k + kept++] = all.scores[i];
      }
      result.counts[q] = static_cast<std::int64_t>(kept);
    }
    return result;
  }

  std::shared_ptr<const store::ItemStore> encode(bool normalized) const {
    Matrix rows(items.rows, items.cols, DType::f32);
    std::copy(items.values.begin(), items.values.end(), static_cast<float*>(rows.data()));
    return store::encode(std::move(rows), {Metric::dot, normalized, ids, 2},
                         kernels::active_table());
  }

  void check(std::size_t k, Metric metric, bool normalized, const std::vector<int>& threads) const {
    const auto store = encode(normalized);
    const store::IdMap map(store->ids, store->ids == nullptr ? 0 : store->items);
    const Filters given = filters();
    const search::FilterRequest filter = {given, store->ids == nullptr ? nullptr : &map};
    const SearchResult right = expected(k, metric, normalized);
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
      CAPTURE(table->name);
      for (const int t : threads) {
        CAPTURE(t);
        std::vector<std::optional<search::Method>> methods(std::begin(kMethods),
                                                           std::end(kMethods));
        methods.emplace_back(std::nullopt);
        for (const auto method : methods) {
          CAPTURE(method.has_value() ? static_cast<int>(*method) : -1);
          SearchResult got = right;
          std::fill(got.ids.begin(), got.ids.end(), -7);
          search::search(*store, *table, {queries.view(), k, metric, t, nullptr, method, &filter},
                         {got.ids.data(), got.scores.data(), got.counts.data()});
          REQUIRE(test::difference(got, right) == "");
        }
      }
    }
  }
};

OwnedIdLists random_items(const Case& data, std::size_t longest, test::Random& random) {
  test::Lists lists = test::random_lists(data.queries.rows, longest, data.items.rows, random);
  for (auto& list : lists) {
    for (std::int64_t& item : list) item = data.id(static_cast<std::size_t>(item));
    list.push_back(-1);                                 // padding
    list.push_back(std::int64_t{1} << 50);              // unknown
    if (list.size() > 2) list.push_back(list.front());  // twice
  }
  return test::to_csr(lists);
}

}  // namespace

TEST_CASE("a set of rows holds what was inserted, as a table and as bits") {
  for (const std::size_t items :
       {std::size_t{1}, std::size_t{63}, std::size_t{1000}, std::size_t{1} << 20}) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{3000}}) {
      std::vector<std::uint32_t> memory(search::RowSet::words(count, items) + 1, 0xABABABABU);
      search::RowSet set(memory.data(), count, items);
      std::set<std::uint32_t> right;
      test::Random random(items + count);
      for (std::size_t i = 0; i < count; ++i) {
        const auto row = static_cast<std::uint32_t>(i % 3 == 0 ? i % items : random.below(items));
        set.insert(row);
        right.insert(row);
      }
      std::multiset<std::uint32_t> visited;
      set.for_each([&](std::uint32_t row) { visited.insert(row); });
      REQUIRE(std::equal(visited.begin(), visited.end(), right.begin(), right.end()));
      for (std::uint32_t row = 0; row < std::min<std::size_t>(items, 5000); ++row) {
        REQUIRE(set.contains(row) == (right.count(row) != 0));
      }
      REQUIRE(memory.back() == 0xABABABABU);
    }
  }
}

namespace {

/// The longest row of used slots in a table of linear probing: no look-up visits more.
template <typename Slot>
std::size_t longest_walk(const std::vector<Slot>& slots, Slot empty) {
  std::size_t longest = 0;
  std::size_t walk = 0;
  for (std::size_t i = 0; i < 2 * slots.size() && longest < slots.size();
       ++i) {  // twice: a walk may pass the end
    walk = slots[i % slots.size()] == empty ? 0 : walk + 1;
    longest = std::max(longest, walk);
  }
  return longest;
}

// Half full tables of these sizes have walks of some 100 slots; the chance of this many is below
// 2^-100.
constexpr std::size_t kLongWalk = 600;

}  // namespace

TEST_CASE("no choice of rows makes the look-ups of a set of rows walk far") {
  constexpr std::size_t items = 2'000'000;
  constexpr std::size_t count = 16'000;
  const auto walk_of = [](const std::vector<std::uint32_t>& rows) {
    std::vector<std::uint32_t> memory(search::RowSet::words(rows.size(), items));
    search::RowSet set(memory.data(), rows.size(), items);
    for (const std::uint32_t row : rows) set.insert(row);
    return longest_walk(memory, 0xFFFFFFFFU);
  };
  std::vector<std::uint32_t> all(items);
  for (std::uint32_t row = 0; row < items; ++row) all[row] = row;
  const auto first_by = [&](auto hash) {
    std::vector<std::uint32_t> rows = all;
    std::nth_element(rows.begin(), rows.begin() + count, rows.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return hash(a) < hash(b); });
    rows.resize(count);
    return rows;
  };
  // An attacker's rows for the hashes that are well known, and rows as catalogues have them.
  CHECK(walk_of(first_by([](std::uint32_t row) { return row; })) < kLongWalk);
  CHECK(walk_of(first_by([](std::uint32_t row) { return row % 125 << 21 | row; })) < kLongWalk);
  CHECK(walk_of(first_by([](std::uint32_t row) { return row * 0x9E3779B1U; })) < kLongWalk);
  CHECK(walk_of(first_by([](std::uint32_t row) { return base::mix(row, 0); })) < kLongWalk);
}

TEST_CASE("no choice of ids makes the look-ups of a set of ids walk far") {
  constexpr std::size_t count = 8'000;
  std::vector<std::int64_t> memory(search::IdSet::slots(count));
  const auto walk_of = [&](auto id_of) {
    search::IdSet set(memory.data(), count);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(set.insert(id_of(i)));
    for (std::size_t i = 0; i < count; i += 97) REQUIRE_FALSE(set.insert(id_of(i)));
    return longest_walk(memory, std::int64_t{-1});
  };
  CHECK(walk_of([](std::size_t i) { return static_cast<std::int64_t>(i); }) < kLongWalk);
  CHECK(walk_of([](std::size_t i) { return static_cast<std::int64_t>(i << 40); }) < kLongWalk);
  // Products with 2^64 / golden ratio whose upper halves are equal, by the inverse of that factor.
  CHECK(walk_of([](std::size_t i) {
          std::uint64_t inverse = 1;
          for (int step = 0; step < 6; ++step) inverse *= 2 - 0x9E3779B97F4A7C15U * inverse;
          return static_cast<std::int64_t>((i * inverse & ~std::uint64_t{0} >> 1));
        }) < kLongWalk);
}

TEST_CASE("a map of ids finds each row and nothing else") {
  const std::vector<std::int64_t> ids = {0,       5,       std::numeric_limits<std::int64_t>::max(),
                                         1 << 20, 2 << 20, 3 << 20};
  const store::IdMap map(ids.data(), ids.size());
  for (std::size_t row = 0; row < ids.size(); ++row) CHECK(map.find(ids[row]) == row);
  for (const std::int64_t id : {std::int64_t{1}, std::int64_t{-1}, std::int64_t{4} << 20}) {
    CHECK(map.find(id) == store::kNoRow);
  }
  CHECK(store::IdMap(nullptr, 0).find(3) == store::kNoRow);
}

TEST_CASE("filters on adversarial data, every metric, method, instruction set and thread count") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    for (const bool own_ids : {false, true}) {
      CAPTURE(own_ids);
      Case data{generator.make(333, 19, 7),
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
    Case data{test::gaussian_rows(n, 5, n), {}, test::gaussian_rows(9, 5, 2)};
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
    Case data{generator->make(20000, 8, 5), {}, generator->make(6, 8, 6)};
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

TEST_CASE("several interests: the best over all of them, once each, zeros ignored") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    const test::Rows items = generator.make(700, 9, 7);
    for (const std::size_t per_user :
         {std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{8}}) {
      const std::size_t users = 5;
      test::Rows interests = generator.make(users * per_user, 9, 8);
      std::copy_n(items.values.begin(), 9, interests.values.begin());
      if (per_user > 1) std::fill_n(interests.values.begin() + 9, 9, -0.0F);
      std::fill(interests.values.end() - static_cast<std::ptrdiff_t>(9 * per_user),
                interests.values.end(), 0.0F);
      for (const Metric metric : kMetrics) {
        for (const std::size_t k : {std::size_t{1}, std::size_t{30}, std::size_t{800}}) {
          CAPTURE(per_user);
          CAPTURE(k);
          const SearchResult each =
              reference::top_k(items.view(), interests.view(), 700, metric, false, nullptr, 1);
          const Index index = Index::build(items.view(), {.metric = metric});
          test::Random random(per_user);
          const OwnedIdLists exclude = test::to_csr(test::random_lists(users, 20, 700, random));
          const SearchResult got =
              index.search_multi(interests.view(), per_user, k, {.filters = {.exclude = exclude}});
          for (std::size_t user = 0; user < users; ++user) {
            // (key, id): keys, because distances may tie where squares do not.
            std::vector<std::pair<double, std::int64_t>> best;
            for (std::size_t item = 0; item < 700; ++item) {
              const auto list = IdLists(exclude).of(user);
              if (std::count(list.begin(), list.end(), static_cast<std::int64_t>(item)) != 0)
                continue;
              double key = -std::numeric_limits<double>::infinity();
              for (std::size_t i = 0; i < per_user; ++i) {
                const float* interest = &interests.values[(user * per_user + i) * 9];
                if (std::all_of(interest, interest + 9, [](float v) { return v == 0.0F; }))
                  continue;
                key = std::max(
                    key, reference::score(interest, &items.values[item * 9], 9, metric, false).key);
              }
              if (std::isfinite(key)) best.emplace_back(-key, static_cast<std::int64_t>(item));
            }
            std::sort(best.begin(), best.end());
            best.resize(std::min(best.size(), k));
            REQUIRE(got.counts[user] == static_cast<std::int64_t>(best.size()));
            for (std::size_t i = 0; i < k; ++i) {
              REQUIRE(got.ids[user * k + i] == (i < best.size() ? best[i].second : -1));
              const double score = got.scores[user * k + i];
              if (i >= best.size()) {
                REQUIRE(score == worst(metric));
              } else {
                REQUIRE(score == (metric == Metric::euclidean
                                      ? std::sqrt(best[i].first > 0 ? best[i].first : 0.0)
                                      : -best[i].first));
              }
            }
          }
        }
      }
    }
  }
  const Index index = Index::build(test::gaussian_rows(10, 4, 1).view());
  CHECK_THROWS_WITH_AS(index.search_multi(test::gaussian_rows(5, 4, 1).view(), 2, 1),
                       doctest::Contains("5 rows are not users times per_user = 2"), Error);
  CHECK_THROWS_AS(index.search_multi(test::gaussian_rows(4, 4, 1).view(), 0, 1), Error);
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
      Case data{generator.make(n, 7, 5), {}, generator.make(5, 7, 6)};
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
