// Results do not depend on the constants of a plan: searches under random records, most of them
// absurd, against the specification.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "kernels/kernels.hpp"
#include "search/plan/tuning.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

/// Forces a record for as long as it lives.
class Forced {
 public:
  explicit Forced(const search::Tuning& tuning) noexcept { search::force_tuning(&tuning); }
  ~Forced() { search::force_tuning(nullptr); }
  Forced(const Forced&) = delete;
  Forced& operator=(const Forced&) = delete;
};

/// Values around those at which something changes, from nothing to more than there is.
search::Tuning random_record(test::Random& random) {
  constexpr std::size_t kValues[] = {1, 2, 3, 5, 16, 48, 63, 64, 65, 200, 1000, 100000};
  search::Tuning tuning = {};
  for (const search::TuningField& field : search::tuning_fields)
    tuning.*field.value = kValues[random.below(std::size(kValues))];
  return tuning;
}

}  // namespace

TEST_CASE("results are the same under any tuning record") {
  test::Random random(41);
  SearchStats total = {};
  for (const test::Generator& generator : test::generators()) {
    const test::Rows items = generator.make(1500, 36, 1);
    const test::Rows queries = generator.make(70, 36, 2);
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
      const Index index = Index::build(items.view(), {.metric = metric});
      for (std::size_t round = 0; round < 4; ++round) {
        const std::size_t count = 1 + random.below(queries.rows);
        const std::size_t k = 1 + random.below(random.below(2) == 0 ? 20 : items.rows);
        const MatrixView asked = MatrixView::f32(queries.values.data(), count, queries.cols);
        const SearchResult expected =
            reference::top_k(items.view(), asked, k, metric, false, nullptr, 2);
        const search::Tuning tuning = random_record(random);
        const Forced forced(tuning);
        SearchStats stats = {};
        const SearchResult got = index.search(
            asked, k, {.threads = static_cast<int>(1 + random.below(3)), .stats = &stats});
        for (const SearchStatsField& field : search_stats_fields)
          total.*field.value += stats.*field.value;
        INFO(generator.name, ", ", count, " queries, k = ", k, ", round ", round);
        REQUIRE(test::difference(got, expected) == "");
      }
    }
  }
  // The records took searches down every way.
  CHECK(total.queries_by_f32 > 0);
  CHECK(total.queries_repeated > 0);
  CHECK(total.tiles_4bit > 0);
  CHECK(total.tiles_8bit > 0);
  CHECK(total.tiles_f32 > 0);
}
