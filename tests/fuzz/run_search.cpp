// search: the public function in any float environment, the engine in several ways, and the
// library's own reference.

#include "compare.hpp"
#include "maxdot/reference.hpp"
#include "runners.hpp"
#include "search/search.hpp"
#include "subject.hpp"

namespace fuzz {
namespace {

// Products that the library's own brute force may cost.
constexpr std::size_t kMostReferenceProducts = 300'000;

maxdot::SearchResult room(std::size_t queries, std::size_t k) {
  // Filled with what no result is.
  return {queries, k, std::vector<std::int64_t>(queries * k, -99),
          std::vector<double>(queries * k, 99.0), std::vector<std::int64_t>(queries, -99)};
}

void check_pairs(const Case& drawn, const oracle::Oracle& oracle, Random& random) {
  if (drawn.items.dtype != maxdot::DType::f32 || drawn.queries.dtype != maxdot::DType::f32) return;
  const std::size_t d = drawn.items.cols;
  for (int i = 0; i < 4; ++i) {
    const std::size_t q = random.below(drawn.queries.rows);
    const std::size_t row = random.below(drawn.items.rows);
    const float* query = drawn.queries.floats.data() + q * d;
    const float* item = drawn.items.floats.data() + row * d;
    double dot = 0.0;
    maxdot::reference::Score score = {};
    call_anywhere(random, "reference::score", [&] {
      dot = maxdot::reference::dot64(query, item, d);
      score = maxdot::reference::score(query, item, d, drawn.metric, drawn.normalized);
    });
    const oracle::Ranked right = oracle.pair(q, row);
    const std::string pair = " of query " + std::to_string(q) + " and row " + std::to_string(row);
    compare(dot, oracle.dot(q, row), "reference::dot64" + pair);
    compare(score.key, right.key, "key" + pair, true);
    compare(score.reported, right.score, "score" + pair);
  }
}

void check_reference(const Case& drawn, const Expected& expected, Random& random) {
  maxdot::SearchResult got;
  const std::int64_t* ids = drawn.ids.empty() ? nullptr : drawn.ids.data();
  const int threads = draw_threads(random);
  call_anywhere(random, "reference::top_k", [&] {
    got = maxdot::reference::top_k(drawn.items.view(), drawn.queries.view(), drawn.k, drawn.metric,
                                   drawn.normalized, ids, threads);
  });
  compare(got, expected, drawn, "reference::top_k");
}

}  // namespace

void run_search(const Case& drawn, Random& random) {
  const oracle::Oracle oracle = drawn.oracle();
  Expected expected;
  for (std::size_t q = 0; q < drawn.queries.rows; ++q) expected.push_back(oracle.best(q, drawn.k));
  const Subject subject(drawn, random);

  const maxdot::SearchOptions options = subject.options(random);
  maxdot::SearchResult got;
  const std::string how = "Index::search, threads " + std::to_string(options.threads);
  call_anywhere(random, how,
                [&] { got = subject.index().search(subject.queries(), drawn.k, options); });
  compare(got, expected, drawn, how);

  for (std::size_t ways = draw_ways(drawn, random); ways > 0; --ways) {
    const Way way = draw_way(random, drawn.filtered());
    got = room(drawn.queries.rows, drawn.k);
    maxdot::search::search(subject.items(), *way.table, subject.request(drawn.k, way),
                           {got.ids.data(), got.scores.data(), got.counts.data()});
    compare(got, expected, drawn, way.describe());
  }

  const std::size_t products = drawn.items.rows * drawn.queries.rows * drawn.items.cols;
  if (products != 0) check_pairs(drawn, oracle, random);
  const bool scores = drawn.score_kind == maxdot::ScoreKind::scores;
  if (scores && !drawn.filtered() && products <= kMostReferenceProducts)
    check_reference(drawn, expected, random);
}

}  // namespace fuzz
