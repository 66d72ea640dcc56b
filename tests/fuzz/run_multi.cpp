// search_multi: users with several interests.

#include "compare.hpp"
#include "runners.hpp"
#include "search/variants/multi.hpp"
#include "subject.hpp"

namespace fuzz {

void run_multi(const Case& drawn, Random& random) {
  const oracle::Oracle oracle = drawn.oracle();
  Expected expected;
  for (std::size_t u = 0; u < drawn.users(); ++u)
    expected.push_back(oracle.best_of_user(u, drawn.per_user, drawn.k));
  const Subject subject(drawn, random);

  const maxdot::SearchOptions options = subject.options(random);
  maxdot::SearchResult got;
  const std::string how = "Index::search_multi, threads " + std::to_string(options.threads);
  call_anywhere(random, how, [&] {
    got = subject.index().search_multi(subject.queries(), drawn.per_user, drawn.k, options);
  });
  compare(got, expected, drawn, how);

  for (std::size_t ways = draw_ways(drawn, random); ways > 0; --ways) {
    const Way way = draw_way(random, drawn.filtered());
    got = {drawn.users(), drawn.k, std::vector<std::int64_t>(drawn.users() * drawn.k, -99),
           std::vector<double>(drawn.users() * drawn.k, 99.0),
           std::vector<std::int64_t>(drawn.users(), -99)};
    maxdot::search::multi(subject.items(), *way.table, subject.request(drawn.k, way),
                          drawn.per_user, {got.ids.data(), got.scores.data(), got.counts.data()});
    compare(got, expected, drawn, way.describe());
  }
}

}  // namespace fuzz
