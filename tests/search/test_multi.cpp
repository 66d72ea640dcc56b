// Searches of several interests, against brute force with the same rules.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "id_lists.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "search/filter_case.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::test;

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
