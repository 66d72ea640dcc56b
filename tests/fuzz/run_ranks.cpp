// evaluate::ranks, with and without excluded items, and the count of better items on every
// instruction set.

#include "base/score.hpp"
#include "compare.hpp"
#include "maxdot/evaluate.hpp"
#include "measure/ranks.hpp"
#include "runners.hpp"
#include "subject.hpp"

namespace fuzz {
namespace {

maxdot::OwnedIdLists draw_relevant(const Case& drawn, Random& random) {
  maxdot::OwnedIdLists lists = {{0}, {}};
  for (std::size_t q = 0; q < drawn.queries.rows; ++q) {
    for (std::size_t wanted = random.below(8); wanted > 0; --wanted)
      lists.ids.push_back(draw_id(drawn, random));
    lists.offsets.push_back(static_cast<std::int64_t>(lists.ids.size()));
  }
  return lists;
}

std::vector<std::int64_t> expected_ranks(const oracle::Oracle& oracle,
                                         const maxdot::OwnedIdLists& relevant) {
  std::vector<std::int64_t> expected;
  for (std::size_t q = 0; q + 1 < relevant.offsets.size(); ++q) {
    const auto begin = static_cast<std::size_t>(relevant.offsets[q]);
    const auto end = static_cast<std::size_t>(relevant.offsets[q + 1]);
    const std::vector<std::int64_t> places =
        oracle.places(q, relevant.ids.data() + begin, end - begin);
    expected.insert(expected.end(), places.begin(), places.end());
  }
  return expected;
}

void check_counts(const Case& drawn, const Subject& subject, const maxdot::OwnedIdLists& relevant,
                  std::vector<std::int64_t> expected, const oracle::Oracle& oracle,
                  Random& random) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::size_t row = oracle.row_of(relevant.ids[i]);
    rows.push_back(row == oracle.items() ? maxdot::measure::kNoRow : row);
    expected[i] = expected[i] == 0 ? 0 : expected[i] - 1;
  }
  for (std::size_t ways = draw_ways(drawn, random); ways > 0; --ways) {
    const Way way = draw_way(random, false);
    std::vector<std::int64_t> better(rows.size(), -99);
    maxdot::measure::count_better(
        subject.items(), *way.table, maxdot::base::ranking_of(drawn.metric, drawn.normalized),
        subject.queries(), relevant.offsets, rows, way.threads, better.data());
    compare(better, expected, way.describe());
  }
}

}  // namespace

void run_ranks(const Case& drawn, Random& random) {
  const oracle::Oracle oracle = drawn.oracle();
  const maxdot::OwnedIdLists relevant = draw_relevant(drawn, random);
  const std::vector<std::int64_t> expected = expected_ranks(oracle, relevant);
  const Subject subject(drawn, random);

  const maxdot::evaluate::RankOptions options = {drawn.metric, draw_threads(random)};
  maxdot::IdLists exclude;
  if (drawn.exclude.given) exclude = drawn.exclude.lists;
  std::vector<std::int64_t> got;
  const std::string how = "evaluate::ranks, threads " + std::to_string(options.threads);
  call_anywhere(random, how, [&] {
    got = maxdot::evaluate::ranks(subject.index(), subject.queries(), relevant, exclude, options);
  });
  compare(got, expected, how);
  if (!drawn.exclude.given && drawn.items.rows != 0)
    check_counts(drawn, subject, relevant, expected, oracle, random);
}

}  // namespace fuzz
