// Metrics, intervals and ranks against definitions written a second time, and RecHub's golden case.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "id_lists.hpp"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::evaluate;
using test::Lists;
using test::random_lists;
using test::to_csr;

namespace {

std::vector<std::int64_t> random_retrieved(std::size_t users, std::size_t width, std::size_t items,
                                           bool repeats, test::Random& random) {
  std::vector<std::int64_t> ids;
  for (std::size_t u = 0; u < users; ++u) {
    std::set<std::int64_t> used;
    for (std::size_t i = 0; i < width;) {
      const auto id = static_cast<std::int64_t>(random.below(items));
      if (!repeats && !used.insert(id).second) continue;
      ids.push_back(id);
      ++i;
    }
  }
  return ids;
}

/// topk_metrics as its source describes it, step by step.
Values rechub_values(const Lists& relevant, const std::vector<std::int64_t>& retrieved,
                     std::size_t width, std::size_t k) {
  Values sum;
  double hits = 0;
  double wanted = 0;
  for (std::size_t u = 0; u < relevant.size(); ++u) {
    const auto& truth = relevant[u];
    if (truth.empty()) continue;
    double found = 0, first = 0, gain = 0, ideal = 0;
    for (std::size_t j = 0; j < k; ++j) {
      const double discount = 1.0 / std::log2(static_cast<double>(j + 2));
      if (std::find(truth.begin(), truth.end(), retrieved[u * width + j]) != truth.end()) {
        if (found == 0) first = 1.0 / static_cast<double>(1 + j);
        found += 1;
        gain += discount;
      }
      if (j < truth.size()) ideal += discount;
    }
    wanted += static_cast<double>(truth.size());
    hits += found;
    sum.mrr += first;
    sum.recall += found / static_cast<double>(truth.size());
    sum.precision += found / static_cast<double>(k);
    sum.ndcg += gain / ideal;
  }
  const auto users = static_cast<double>(relevant.size());
  return {sum.recall / users,    wanted > 0 ? hits / wanted : 0,
          sum.precision / users, sum.ndcg / users,
          sum.mrr / users,       0};
}

/// The textbook's, from sets.
Values standard_values(const Lists& relevant, const std::vector<std::int64_t>& retrieved,
                       std::size_t width, std::size_t k) {
  Values sum;
  double users = 0;
  for (std::size_t u = 0; u < relevant.size(); ++u) {
    const std::set<std::int64_t> truth(relevant[u].begin(), relevant[u].end());
    if (truth.empty()) continue;
    users += 1;
    std::set<std::int64_t> found;
    double gain = 0, ideal = 0, precisions = 0, first = 0;
    for (std::size_t j = 0; j < k; ++j) {
      const std::int64_t id = retrieved[u * width + j];
      if (j < truth.size()) ideal += 1.0 / std::log2(static_cast<double>(j + 2));
      if (truth.count(id) == 0 || !found.insert(id).second) continue;
      if (first == 0) first = 1.0 / static_cast<double>(j + 1);
      gain += 1.0 / std::log2(static_cast<double>(j + 2));
      precisions += static_cast<double>(found.size()) / static_cast<double>(j + 1);
    }
    sum.recall += static_cast<double>(found.size()) / static_cast<double>(truth.size());
    sum.hit += found.empty() ? 0 : 1;
    sum.precision += static_cast<double>(found.size()) / static_cast<double>(k);
    sum.ndcg += gain / ideal;
    sum.mrr += first;
    sum.map += precisions / static_cast<double>(std::min(k, truth.size()));
  }
  if (users == 0) return {};
  return {sum.recall / users, sum.hit / users, sum.precision / users,
          sum.ndcg / users,   sum.mrr / users, sum.map / users};
}

const std::size_t kKs[] = {7, 1, 3, 10};

}  // namespace

TEST_CASE("RecHub's golden case, to the last digit") {
  const OwnedIdLists relevant = to_csr({{1, 2}, {0, 1, 2}, {2, 3}});
  const std::vector<std::int64_t> retrieved = {0, 1, 0, 1, 2, 3};
  const std::size_t ks[] = {1, 2};
  const Report report =
      metrics(relevant, {retrieved, 2}, ks, {.convention = Convention::rechub, .catalogue = 6});
  REQUIRE(report.at.size() == 2);
  const Values& at_2 = report.at[1].mean;
  CHECK(at_2.ndcg == 0.7956176024115139);
  CHECK(at_2.mrr == 0.8333333333333334);
  CHECK(at_2.precision == 0.8333333333333334);
  CHECK(at_2.recall == 0.7222222222222222);
  CHECK(at_2.hit == 0.7142857142857143);
  CHECK(rechub_text(RechubMetric::ndcg, 2, at_2.ndcg) == "NDCG@2: 0.7956");
  CHECK(rechub_text(RechubMetric::hit, 2, at_2.hit) == "Hit@2: 0.7143");
  CHECK(rechub_text(RechubMetric::mrr, 1, 1.0) == "MRR@1: 1.0");
  CHECK(rechub_text(RechubMetric::recall, 1, 0.0) == "Recall@1: 0.0");
  CHECK(rechub_text(RechubMetric::precision, 1, 1e-4) == "Precision@1: 0.0001");
  CHECK(report.at[0].coverage == 2.0 / 6.0);
  CHECK(report.at[1].coverage == 4.0 / 6.0);
}

TEST_CASE("both conventions on 1,000 random cases") {
  test::Random random(11);
  for (int round = 0; round < 1000; ++round) {
    CAPTURE(round);
    const std::size_t users = 1 + random.below(12);
    const std::size_t items = 12 + random.below(40);
    const Lists relevant = random_lists(users, 12, items, random);
    const auto retrieved = random_retrieved(users, 10, items, round % 2 == 0, random);
    const int threads = 1 + round % 3;
    const Report rechub = metrics(to_csr(relevant), {retrieved, 10}, kKs,
                                  {.convention = Convention::rechub, .threads = threads});
    const Report standard = metrics(to_csr(relevant), {retrieved, 10}, kKs, {.threads = threads});
    for (std::size_t i = 0; i < std::size(kKs); ++i) {
      REQUIRE(rechub.at[i].k == kKs[i]);
      const Values expected = rechub_values(relevant, retrieved, 10, kKs[i]);
      const Values& got = rechub.at[i].mean;
      REQUIRE(got.recall == expected.recall);
      REQUIRE(got.hit == expected.hit);
      REQUIRE(got.precision == expected.precision);
      REQUIRE(got.ndcg == expected.ndcg);
      REQUIRE(got.mrr == expected.mrr);
      const Values textbook = standard_values(relevant, retrieved, 10, kKs[i]);
      for (const auto field : {&Values::recall, &Values::hit, &Values::precision, &Values::ndcg,
                               &Values::mrr, &Values::map}) {
        REQUIRE(standard.at[i].mean.*field == textbook.*field);
      }
    }
  }
}

TEST_CASE(
    "padding is a miss, users without relevant items are left out, values of users come on "
    "request") {
  const OwnedIdLists relevant = to_csr({{4}, {}, {7, 9}});
  const std::vector<std::int64_t> retrieved = {3, 4, -1, 1, 2, 3, 9, -1, -1};
  const std::size_t ks[] = {3};
  const Report report = metrics(relevant, {retrieved, 3}, ks, {.catalogue = 10, .per_user = true});
  CHECK(report.users == 3);
  CHECK(report.evaluated == 2);
  const AtK& at = report.at[0];
  CHECK(at.mean.recall == 0.75);
  CHECK(at.mean.hit == 1.0);
  CHECK(at.mean.precision == (1.0 / 3.0 + 1.0 / 3.0) / 2);
  CHECK(at.mean.mrr == 0.75);
  CHECK(at.mean.map == (0.5 + 0.5) / 2);
  CHECK(at.coverage == 0.5);
  REQUIRE(at.users.size() == 3);
  CHECK(at.users[0].recall == 1.0);
  CHECK(std::isnan(at.users[1].recall));
  CHECK(at.users[2].recall == 0.5);
  CHECK_FALSE(at.low.has_value());
}

TEST_CASE("bootstrap intervals: determined by the seed, around the mean, of the right width") {
  test::Random random(3);
  const std::size_t users = 2000;
  const OwnedIdLists relevant = to_csr(random_lists(users, 3, 20, random));
  const auto retrieved = random_retrieved(users, 5, 20, false, random);
  const std::size_t ks[] = {5};
  Options options = {.bootstrap = 500, .per_user = true, .threads = 1};
  const Report first = metrics(relevant, {retrieved, 5}, ks, options);
  options.threads = 2;
  const Report again = metrics(relevant, {retrieved, 5}, ks, options);
  options.seed = 2;
  const Report other = metrics(relevant, {retrieved, 5}, ks, options);
  const AtK& at = first.at[0];
  CHECK(at.low->recall == again.at[0].low->recall);
  CHECK(at.high->map == again.at[0].high->map);
  CHECK(at.low->recall != other.at[0].low->recall);
  double square = 0;
  for (const Values& user : at.users) {
    if (!std::isnan(user.recall))
      square += (user.recall - at.mean.recall) * (user.recall - at.mean.recall);
  }
  const auto evaluated = static_cast<double>(first.evaluated);
  const double standard_error = std::sqrt(square) / evaluated;
  CHECK(at.low->recall == doctest::Approx(at.mean.recall - 1.96 * standard_error).epsilon(0.02));
  CHECK(at.high->recall == doctest::Approx(at.mean.recall + 1.96 * standard_error).epsilon(0.02));
}

TEST_CASE("retrieval with exclusions equals brute force without the excluded items") {
  const test::Rows items = test::gaussian_rows(300, 8, 1);
  const test::Rows users = test::gaussian_rows(60, 8, 2);
  test::Random random(4);
  const Lists relevant = random_lists(60, 5, 300, random);
  Lists exclude = random_lists(60, 40, 300, random);
  for (std::int64_t id = 0; id < 298; ++id) exclude[7].push_back(id);  // almost nothing is left
  exclude[8] = {5, 5, 999999};                                         // repeated, unknown
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const SearchResult all = index.search(users.view(), 300);
  std::vector<std::int64_t> expected(60 * 10, -1);
  for (std::size_t u = 0; u < 60; ++u) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < 300 && kept < 10; ++i) {
      const std::int64_t id = all.ids[u * 300 + i];
      if (std::find(exclude[u].begin(), exclude[u].end(), id) == exclude[u].end())
        expected[u * 10 + kept++] = id;
    }
  }
  const Report got = retrieval(index, users.view(), to_csr(relevant), kKs, to_csr(exclude));
  const Report wanted = metrics(to_csr(relevant), {expected, 10}, kKs, {.catalogue = 300});
  for (std::size_t i = 0; i < std::size(kKs); ++i) {
    CHECK(got.at[i].mean.ndcg == wanted.at[i].mean.ndcg);
    CHECK(got.at[i].mean.recall == wanted.at[i].mean.recall);
    CHECK(got.at[i].coverage == wanted.at[i].coverage);
  }
}

TEST_CASE("evaluation refuses what it cannot use, by name") {
  const OwnedIdLists relevant = to_csr({{1}, {2}});
  const std::vector<std::int64_t> retrieved = {1, 2, 3, 4};
  const auto says = [&](const IdLists& lists, const Retrieved& found, std::vector<std::size_t> ks,
                        const Options& options, const char* text) {
    CHECK_THROWS_WITH_AS(metrics(lists, found, ks, options), doctest::Contains(text), Error);
  };
  says(relevant, {retrieved, 2}, {3}, {}, "ks: 3 is outside 1 to");
  says(relevant, {retrieved, 2}, {0}, {}, "ks: 0 is outside");
  says(relevant, {retrieved, 2}, {}, {}, "ks: is empty");
  says(relevant, {retrieved, 3}, {1}, {}, "retrieved: 4 ids are not 2 users");
  says(relevant, {retrieved, 2}, {1}, {.confidence = 1.0}, "confidence: ");
  says(to_csr({{1}, {-2}}), {retrieved, 2}, {1}, {}, "relevant: user 1 has the id -2");
  const std::vector<std::int64_t> falling = {0, 2, 1};
  says({falling, relevant.ids}, {retrieved, 2}, {1}, {}, "relevant: the offset after list 1");
  const std::vector<std::int64_t> users = {0, 2};
  const std::vector<std::int64_t> items = {5, 6};
  CHECK_THROWS_WITH_AS(lists_from_pairs(users, items, 2),
                       doctest::Contains("pair 1: there is no user 2"), Error);
  CHECK(lists_from_pairs(users, items, 3).offsets == std::vector<std::int64_t>{0, 1, 1, 2});
}
