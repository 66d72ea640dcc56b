// search_range: thresholds at, just above and just below scores that occur, and beyond all of them.

#include <cmath>
#include <limits>

#include "compare.hpp"
#include "runners.hpp"
#include "search/variants/range.hpp"
#include "subject.hpp"

namespace fuzz {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kMostFound = 400'000;  // results of a case

double draw_threshold(const Case& drawn, const oracle::Oracle& oracle, std::size_t query,
                      Random& random) {
  const double everything = drawn.metric == maxdot::Metric::euclidean ? kInfinity : -kInfinity;
  // Everything for all queries of a large case would be too much.
  const bool few = drawn.items.rows * drawn.queries.rows <= kMostFound;
  const std::size_t way = random.below(10);
  if (way == 0) return few ? everything : -everything;
  if (way == 1) return -everything;
  if (way == 2) return random.pick({0.0, -0.0, -1e-300, 1e-300, 1.0, -1.0, 1e300, 5e-324});
  // The score of a random item is beyond half of the others: of some items the best.
  double score = oracle.pair(query, random.below(drawn.items.rows)).score;
  for (std::size_t more = few ? random.below(12) : 30; more > 0; --more) {
    const double other = oracle.pair(query, random.below(drawn.items.rows)).score;
    if (drawn.metric == maxdot::Metric::euclidean ? other < score : other > score) score = other;
  }
  if (way == 3 || way == 4) return std::nextafter(score, kInfinity);
  if (way == 5 || way == 6) return std::nextafter(score, -kInfinity);
  return score;
}

}  // namespace

void run_range(const Case& drawn, Random& random) {
  const oracle::Oracle oracle = drawn.oracle();
  const std::size_t queries = drawn.queries.rows;
  std::vector<double> thresholds(queries, 0.0);
  const bool one_for_all = random.one_in(4);
  for (std::size_t q = 0; q < queries && drawn.items.rows != 0; ++q) {
    thresholds[q] = one_for_all && q > 0 ? thresholds[0] : draw_threshold(drawn, oracle, q, random);
  }
  Expected expected;
  for (std::size_t q = 0; q < queries; ++q) expected.push_back(oracle.within(q, thresholds[q]));
  const Subject subject(drawn, random);

  const maxdot::SearchOptions options = subject.options(random);
  const std::span<const double> given(thresholds.data(), one_for_all && queries != 0 ? 1 : queries);
  maxdot::RangeResult got;
  const std::string how = "Index::search_range, threads " + std::to_string(options.threads);
  call_anywhere(random, how,
                [&] { got = subject.index().search_range(subject.queries(), given, options); });
  compare(got, expected, drawn, how);

  for (std::size_t ways = draw_ways(drawn, random); ways > 0; --ways) {
    const Way way = draw_way(random, false);
    got = maxdot::search::range(subject.items(), *way.table, subject.request(0, way), thresholds);
    compare(got, expected, drawn, way.describe());
  }
}

}  // namespace fuzz
