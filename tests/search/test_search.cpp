// Searches against the specification: order, ties, sizes, metrics, instruction sets, threads,
// batches.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"
#include "search/search.hpp"
#include "store/encode.hpp"
#include "store/layout.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

const Metric kMetrics[] = {Metric::dot, Metric::cosine, Metric::euclidean};

std::shared_ptr<const store::ItemStore> encode(const MatrixView& view, Metric metric,
                                               bool normalized,
                                               std::span<const std::int64_t> ids = {}) {
  Matrix rows(view.rows, view.cols, view.dtype);
  for (std::size_t r = 0; r < view.rows; ++r) {
    std::copy_n(static_cast<const unsigned char*>(view.row(r)), view.cols * size_of(view.dtype),
                static_cast<unsigned char*>(rows.data()) + r * view.cols * size_of(view.dtype));
  }
  return store::encode(std::move(rows), {metric, normalized, ids, 2}, kernels::active_table());
}

SearchResult run_search(const store::ItemStore& items, const kernels::KernelTable& table,
                        const MatrixView& queries, std::size_t k, Metric metric, int threads,
                        std::optional<search::Method> method = std::nullopt,
                        SearchStats* stats = nullptr) {
  SearchResult result{queries.rows, k, std::vector<std::int64_t>(queries.rows * k),
                      std::vector<double>(queries.rows * k),
                      std::vector<std::int64_t>(queries.rows)};
  search::search(items, table, {queries, k, metric, threads, stats, method},
                 {result.ids.data(), result.scores.data(), result.counts.data()});
  return result;
}

void check_all_tables(const MatrixView& items, const MatrixView& queries, std::size_t k,
                      Metric metric, bool normalized, const std::vector<int>& threads) {
  const auto store = encode(items, metric, normalized);
  const SearchResult expected = reference::top_k(items, queries, k, metric, normalized, nullptr, 1);
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    for (const int t : threads) {
      CAPTURE(t);
      for (const search::Method method :
           {search::Method::f32, search::Method::coarse, search::Method::five, search::Method::six,
            search::Method::fine}) {
        CAPTURE(static_cast<int>(method));
        REQUIRE(test::difference(run_search(*store, *table, queries, k, metric, t, method),
                                 expected) == "");
      }
    }
  }
}

}  // namespace

TEST_CASE(
    "equal to the specification on adversarial data, every metric, instruction set and thread "
    "count") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    const test::Rows items = generator.make(333, 33, 7);
    test::Rows queries = generator.make(11, 33, 8);
    // Item rows as queries bring exact ties and cosines of 1; the last query is zero.
    std::copy_n(items.values.begin(), 5 * 33, queries.values.begin());
    std::fill(queries.values.end() - 33, queries.values.end(), 0.0F);
    for (const Metric metric : kMetrics) {
      CAPTURE(to_string(metric));
      for (const bool normalized : {false, true}) {
        CAPTURE(normalized);
        check_all_tables(items.view(), queries.view(), 17, metric, normalized, {1, 2, 3, 8});
      }
    }
  }
}

TEST_CASE("one kind of data searched with queries of another") {
  for (const test::Generator& of_items : test::generators()) {
    for (const test::Generator& of_queries : test::generators()) {
      CAPTURE(of_items.name);
      CAPTURE(of_queries.name);
      const test::Rows items = of_items.make(130, 19, 3);
      const test::Rows queries = of_queries.make(10, 19, 4);
      for (const Metric metric : kMetrics)
        check_all_tables(items.view(), queries.view(), 9, metric, false, {2});
    }
  }
}

TEST_CASE("odd sizes of n, d and k") {
  for (const std::size_t n : std::vector<std::size_t>{0, 1, 63, 64, 65, 200}) {
    for (const std::size_t d : std::vector<std::size_t>{1, 3, 100, 127, 128, 1000}) {
      const test::Rows items = test::gaussian_rows(n, d, n + d);
      for (const std::size_t nq : std::vector<std::size_t>{1, 9, 20}) {
        const test::Rows queries = test::gaussian_rows(nq, d, 77);
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}, std::size_t{10}, n, n + 5}) {
          CAPTURE(n);
          CAPTURE(d);
          CAPTURE(k);
          check_all_tables(items.view(), queries.view(), k, Metric::cosine, false, {1, 2});
          check_all_tables(items.view(), queries.view(), k, Metric::euclidean, false, {1});
        }
      }
    }
  }
}

// Large enough for a guessed threshold.
TEST_CASE("guessed thresholds: proven, or the query is scanned again") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    const test::Rows items = generator.make(20000, 8, 5);
    test::Rows queries = generator.make(6, 8, 6);
    std::copy_n(items.values.begin(), 3 * 8, queries.values.begin());
    const auto store = encode(items.view(), Metric::dot, false);
    for (const Metric metric : kMetrics) {
      for (const std::size_t k : {std::size_t{1}, std::size_t{40}, std::size_t{3000}}) {
        const SearchResult expected =
            reference::top_k(items.view(), queries.view(), k, metric, false, nullptr, 2);
        for (const search::Method method :
             {search::Method::coarse, search::Method::five, search::Method::fine}) {
          for (const int threads : {1, 2}) {
            CAPTURE(k);
            CAPTURE(threads);
            REQUIRE(test::difference(run_search(*store, kernels::active_table(), queries.view(), k,
                                                metric, threads, method),
                                     expected) == "");
          }
        }
      }
    }
  }
}

TEST_CASE("a sample that misleads costs a second scan, not a result") {
  // Codes stand in descending order of scale and the ninth of 16 tiles is sampled. Sizes descend
  // with the row, so a row's tile is its own; the items of sampled tiles score, the others are
  // orthogonal to every query.
  test::Rows items = test::gaussian_rows(20000, 8, 5);
  for (std::size_t r = 0; r < items.rows; ++r) {
    float* row = &items.values[r * 8];
    const bool sampled = r / kernels::kTileItems % 16 == 8;
    for (std::size_t j = 0; j < 7; ++j) row[j] = sampled ? std::min(std::fabs(row[j]), 2.0F) : 0.0F;
    // It decides the scale, and is not so large that 4 bits tell nothing of the others.
    row[7] = 4.0F - static_cast<float>(r) * 1e-4F;
  }
  test::Rows queries = test::gaussian_rows(5, 8, 6);
  for (std::size_t q = 0; q < 5; ++q) {
    for (std::size_t j = 0; j < 7; ++j)
      queries.values[q * 8 + j] = std::fabs(queries.values[q * 8 + j]);
    queries.values[q * 8 + 7] = 0.0F;
  }
  const auto store = encode(items.view(), Metric::dot, false);
  const SearchResult expected =
      reference::top_k(items.view(), queries.view(), 2000, Metric::dot, false, nullptr, 2);
  for (const search::Method method :
       {search::Method::coarse, search::Method::five, search::Method::fine}) {
    SearchStats stats;
    const SearchResult got = run_search(*store, kernels::active_table(), queries.view(), 2000,
                                        Metric::dot, 2, method, &stats);
    CHECK(test::difference(got, expected) == "");
    CHECK(stats.queries_repeated == 5);
  }
}

TEST_CASE("tiles whose norms cannot reach the threshold are not read, and nothing is lost by it") {
  constexpr std::size_t kItems = 60000;
  constexpr std::size_t kDimension = 8;
  // Of equal items the last ones are wanted.
  std::vector<std::int64_t> ids(kItems);
  for (std::size_t r = 0; r < kItems; ++r) ids[r] = static_cast<std::int64_t>(kItems - r);
  for (const bool parallel : {false, true}) {
    CAPTURE(parallel);
    // Norms from 1 to 2^-20. Parallel to one of the queries, every item's score is exactly its norm
    // times the query's, and 40 in a row are equal: the bound by norms is then as tight as it can
    // be.
    test::Rows items = test::gaussian_rows(kItems, kDimension, 7);
    for (std::size_t r = 0; r < kItems; ++r) {
      float* row = &items.values[r * kDimension];
      if (parallel) std::fill_n(row, kDimension, 1.0F);
      const float size =
          std::exp2(-20.0F * static_cast<float>(r * 7919 % kItems / 40 * 40) / kItems);
      for (std::size_t j = 0; j < kDimension; ++j) row[j] *= size;
    }
    test::Rows queries = test::gaussian_rows(5, kDimension, 8);
    std::fill_n(&queries.values[1 * kDimension], kDimension, 0.0F);
    std::fill_n(&queries.values[2 * kDimension], kDimension, 3.0F);
    std::fill_n(&queries.values[3 * kDimension], kDimension, -1.0F);  // every score may be negative
    const auto store = encode(items.view(), Metric::dot, false, ids);
    for (const Metric metric : kMetrics) {
      const SearchResult expected =
          reference::top_k(items.view(), queries.view(), 25, metric, false, ids.data(), 2);
      for (const search::Method method :
           {search::Method::coarse, search::Method::five, search::Method::fine}) {
        for (const int threads : {1, 2}) {
          CAPTURE(threads);
          REQUIRE(test::difference(run_search(*store, kernels::active_table(), queries.view(), 25,
                                              metric, threads, method),
                                   expected) == "");
        }
      }
    }
    // A batch raises its thresholds as it goes, here up to the very norm of tiles that hold wanted
    // items.
    const test::Rows batch = {std::vector<float>(70 * kDimension, 3.0F), 70, kDimension};
    const SearchResult expected =
        reference::top_k(items.view(), batch.view(), 5, Metric::dot, false, ids.data(), 2);
    REQUIRE(test::difference(run_search(*store, kernels::active_table(), batch.view(), 5,
                                        Metric::dot, 1, search::Method::fine),
                             expected) == "");
    SearchStats stats;
    run_search(*store, kernels::active_table(), queries.view().slice(2, 1), 25, Metric::dot, 1,
               search::Method::coarse, &stats);
    CHECK(stats.tiles_4bit < store::tiles_of(kItems) / 2);
    CHECK(stats.refined > 0);
    CHECK(stats.refined <= stats.candidates);
  }
}

TEST_CASE("an item whose norm is a denormal f32 may be the most similar one") {
  // Its norm, 64.94 * 2^-149, is rounded by a thousandth, where its codes have no error at all.
  test::Rows items = {std::vector<float>(2048 * 2), 2048, 2};
  for (std::size_t r = 0; r < items.rows; ++r) {
    items.values[2 * r] = r == 1234 ? 0x40p-149F : 127.0F;
    items.values[2 * r + 1] = r == 1234     ? 0x0bp-149F
                              : r % 64 == 5 ? 18.0F
                                            : -static_cast<float>(r % 100);
  }
  const test::Rows queries = {{127.0F, 22.0F, 64.0F, 11.0F}, 2, 2};
  const SearchResult expected =
      reference::top_k(items.view(), queries.view(), 1, Metric::cosine, false, nullptr, 1);
  CHECK(expected.ids == std::vector<std::int64_t>{1234, 1234});
  check_all_tables(items.view(), queries.view(), 1, Metric::cosine, false, {1, 2});
}

TEST_CASE(
    "a second round that could be cut finer than the first stays in the memory of the first") {
  // 260 queries are two blocks, 256 of them would be one, of twice as many chunks. Zero queries go
  // to f32 in a round of their own, the others are screened.
  const test::Rows items = test::gaussian_rows(20000, 8, 5);
  test::Rows queries = test::gaussian_rows(260, 8, 6);
  for (std::size_t q = 0; q < 256; ++q) {
    for (std::size_t j = 0; j < 8; ++j)
      queries.values[q * 8 + j] *= 1e-20F;  // outside the range of the screens
  }
  const auto store = encode(items.view(), Metric::dot, false);
  const SearchResult expected =
      reference::top_k(items.view(), queries.view(), 20, Metric::dot, false, nullptr, 2);
  for (const int threads : {1, 2, 8}) {
    SearchStats stats;
    const SearchResult got = run_search(*store, kernels::active_table(), queries.view(), 20,
                                        Metric::dot, threads, std::nullopt, &stats);
    CHECK(test::difference(got, expected) == "");
    CHECK(stats.queries_by_f32 == 256);
  }
}

TEST_CASE("f16 items and queries are their exact values") {
  const test::Rows items = test::gaussian_rows(500, 37, 1);
  const std::vector<std::uint16_t> halves = test::to_halves(items);
  const MatrixView view = MatrixView::f16(halves.data(), 500, 37);
  const MatrixView queries = MatrixView::f16(halves.data(), 20, 37);
  for (const Metric metric : kMetrics) {
    check_all_tables(view, queries, 21, metric, false, {1, 2});
    check_all_tables(view, queries.slice(3, 2), 21, metric, true, {1, 2});
  }
}

TEST_CASE("larger searches: many tiles, rounds and blocks") {
  const test::Rows items = test::gaussian_rows(5000, 24, 1);
  const test::Rows queries = test::gaussian_rows(700, 24, 2);
  check_all_tables(items.view(), queries.view(), 10, Metric::cosine, false, {1, 2, 5, 8});
  check_all_tables(items.view(), queries.view(), 5000, Metric::dot, false, {2});
}

TEST_CASE("a query's answer does not depend on its batch") {
  const test::Rows items = test::gaussian_rows(3000, 40, 5);
  const test::Rows queries = test::gaussian_rows(50, 40, 6);
  for (const Metric metric : kMetrics) {
    const auto store = encode(items.view(), metric, false);
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
      const SearchResult all = run_search(*store, *table, queries.view(), 30, metric, 2);
      for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{24}}) {
        for (std::size_t q = 0; q < 50; q += step) {
          const std::size_t count = std::min(step, 50 - q);
          const SearchResult part =
              run_search(*store, *table, queries.view().slice(q, count), 30, metric, 2);
          REQUIRE(std::equal(part.ids.begin(), part.ids.end(),
                             all.ids.begin() + static_cast<std::ptrdiff_t>(q * 30)));
          REQUIRE(std::equal(part.scores.begin(), part.scores.end(),
                             all.scores.begin() + static_cast<std::ptrdiff_t>(q * 30)));
        }
      }
    }
  }
}

TEST_CASE("top-10 is a prefix of top-100") {
  const test::Rows items = test::gaussian_rows(1000, 16, 1);
  const test::Rows queries = test::gaussian_rows(20, 16, 2);
  const Index index = Index::build(items.view(), {.metric = Metric::euclidean});
  const SearchResult ten = index.search(queries.view(), 10);
  const SearchResult hundred = index.search(queries.view(), 100);
  for (std::size_t q = 0; q < 20; ++q) {
    for (std::size_t i = 0; i < 10; ++i) REQUIRE(ten.ids[q * 10 + i] == hundred.ids[q * 100 + i]);
  }
}

TEST_CASE("ties are ordered by item id, also with ids of one's own") {
  // 200 equal rows whose ids descend: the best must be the smallest ids, which stand last.
  test::Rows items{std::vector<float>(200 * 3, 0.5F), 200, 3};
  std::vector<std::int64_t> ids(200);
  for (std::size_t i = 0; i < 200; ++i) ids[i] = static_cast<std::int64_t>(1000 - i);
  const float query[] = {1.0F, 2.0F, 3.0F};
  for (const Metric metric : kMetrics) {
    const Index index = Index::build(items.view(), {.metric = metric, .ids = ids});
    const SearchResult result = index.search(MatrixView::f32(query, 1, 3), 5, {.threads = 2});
    CHECK(result.ids == std::vector<std::int64_t>{801, 802, 803, 804, 805});
  }
}

TEST_CASE("the unnormalised counter-example: the three metrics disagree, each rightly") {
  const float items[] = {10, 10, 3, 0, 1, 0.5F};  // A, B, C
  const float query[] = {1, 0};
  const Index index = Index::build(MatrixView::f32(items, 3, 2), {.metric = Metric::dot});
  const auto best = [&](Metric metric) {
    return index.search(MatrixView::f32(query, 1, 2), 1, {.metric = metric}).ids.front();
  };
  CHECK(best(Metric::dot) == 0);
  CHECK(best(Metric::cosine) == 1);
  CHECK(best(Metric::euclidean) == 2);
}

TEST_CASE("a normalised index ranks alike by all three metrics") {
  const test::Rows items = test::gaussian_rows(2000, 50, 3);
  const test::Rows queries = test::gaussian_rows(40, 50, 4);
  const Index index = Index::build(items.view(), {.metric = Metric::dot, .normalize = true});
  const SearchResult dot = index.search(queries.view(), 100, {.metric = Metric::dot});
  const SearchResult cosine = index.search(queries.view(), 100, {.metric = Metric::cosine});
  const SearchResult distance = index.search(queries.view(), 100, {.metric = Metric::euclidean});
  CHECK(dot.ids == cosine.ids);
  CHECK(dot.ids == distance.ids);
  CHECK(dot.scores == cosine.scores);
  for (std::size_t i = 0; i < dot.scores.size(); ++i) {
    CHECK(distance.scores[i] == doctest::Approx(std::sqrt(2.0 - 2.0 * dot.scores[i])));
  }
}

TEST_CASE("zero vectors, missing results, and scores as promised") {
  const float items[] = {0, 0, 3, 4, -3, -4};
  const float queries[] = {6, 8, 0, 0};
  const Index index = Index::build(MatrixView::f32(items, 3, 2), {.metric = Metric::cosine});
  const SearchResult cosine = index.search(MatrixView::f32(queries, 2, 2), 5);
  CHECK(cosine.ids == std::vector<std::int64_t>{1, 0, 2, -1, -1, 0, 1, 2, -1, -1});
  CHECK(cosine.counts == std::vector<std::int64_t>{3, 3});
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(cosine.scores ==
        std::vector<double>{1, 0, -1, -infinity, -infinity, 0, 0, 0, -infinity, -infinity});
  const SearchResult distance =
      index.search(MatrixView::f32(queries, 1, 2), 4, {.metric = Metric::euclidean});
  CHECK(distance.ids == std::vector<std::int64_t>{1, 0, 2, -1});
  CHECK(distance.scores == std::vector<double>{5, 10, 15, infinity});
}
