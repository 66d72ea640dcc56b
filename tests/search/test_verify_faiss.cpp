// maxdot against FAISS where f32 does not round, so that both must say the same to the last bit:
// vectors of small whole numbers. FAISS orders equal scores as it likes; everything else has to
// agree.
#include <doctest/doctest.h>
#include <faiss/IndexFlat.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "maxdot/maxdot.hpp"
#include "support.hpp"

namespace {

using maxdot::Index;
using maxdot::Metric;
using maxdot::SearchResult;
using maxdot::test::Rows;

// What FAISS answered, its scores turned into what maxdot reports.
struct Answer {
  std::vector<std::int64_t> ids;
  std::vector<double> scores;
};

// Whole numbers in [-limit, limit]. Sums of up to 64 products of 16 stay far below 2^24.
Rows whole_numbers(std::size_t rows, std::size_t cols, int limit, std::uint64_t seed) {
  maxdot::test::Random random(seed);
  Rows result{std::vector<float>(rows * cols), rows, cols};
  const auto choices = static_cast<std::size_t>(2 * limit + 1);
  for (float& value : result.values)
    value = static_cast<float>(static_cast<int>(random.below(choices)) - limit);
  return result;
}

// Rows of +1 and -1. With 64 columns the norm is 8, so that unit rows are exact too.
Rows signs(std::size_t rows, std::uint64_t seed) {
  Rows result = whole_numbers(rows, 64, 1, seed);
  for (float& value : result.values) value = value > 0.0F ? 1.0F : -1.0F;
  return result;
}

Rows scaled(Rows rows, float factor) {
  for (float& value : rows.values) value *= factor;
  return rows;
}

Answer ask_faiss(Metric metric, const Rows& items, const Rows& queries, std::size_t k) {
  faiss::IndexFlatIP by_product(static_cast<std::int64_t>(items.cols));
  faiss::IndexFlatL2 by_distance(static_cast<std::int64_t>(items.cols));
  faiss::Index& index =
      metric == Metric::euclidean ? static_cast<faiss::Index&>(by_distance) : by_product;
  index.add(static_cast<std::int64_t>(items.rows), items.values.data());
  Answer answer{std::vector<std::int64_t>(queries.rows * k), {}};
  std::vector<float> scores(queries.rows * k);
  index.search(static_cast<std::int64_t>(queries.rows), queries.values.data(),
               static_cast<std::int64_t>(k), scores.data(), answer.ids.data());
  for (const float score : scores) {
    const auto value = static_cast<double>(score);
    answer.scores.push_back(metric == Metric::euclidean ? std::sqrt(value) : value);
  }
  return answer;
}

// Scores position by position; ids as sets within equal scores. The last such set may be cut short
// by k, and then FAISS may hold other members of it than maxdot: `all` (k = items) tells who the
// members are.
void check_same(const SearchResult& ours, const Answer& theirs, const SearchResult& all) {
  REQUIRE(ours.ids.size() == theirs.ids.size());
  CHECK(ours.scores == theirs.scores);
  for (std::size_t query = 0; query < ours.queries; ++query) {
    const std::size_t row = query * ours.k;
    for (std::size_t begin = 0; begin < ours.k;) {
      std::size_t end = begin + 1;
      while (end < ours.k && ours.scores[row + end] == ours.scores[row + begin]) ++end;
      const std::vector<std::int64_t> group(
          ours.ids.begin() + static_cast<std::ptrdiff_t>(row + begin),
          ours.ids.begin() + static_cast<std::ptrdiff_t>(row + end));
      const std::set<std::int64_t> held(
          theirs.ids.begin() + static_cast<std::ptrdiff_t>(row + begin),
          theirs.ids.begin() + static_cast<std::ptrdiff_t>(row + end));
      CHECK(std::is_sorted(group.begin(), group.end()));
      CHECK(held.size() == group.size());
      std::set<std::int64_t> members(group.begin(), group.end());
      for (std::size_t at = end; end == ours.k && at < all.k; ++at) {
        if (all.scores[query * all.k + at] == ours.scores[row + begin])
          members.insert(all.ids[query * all.k + at]);
      }
      CHECK(std::includes(members.begin(), members.end(), held.begin(), held.end()));
      begin = end;
    }
  }
}

}  // namespace

TEST_CASE("whole numbers: FAISS and maxdot agree on dot and Euclidean distance to the last bit") {
  const Rows items = whole_numbers(1500, 48, 4, 1);  // small numbers: many ties
  const Index index = Index::build(items.view());
  // FAISS subtracts directly for fewer than 20 queries and multiplies matrices from there on.
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{40}}) {
    const Rows queries = whole_numbers(count, 48, 4, 2 + count);
    for (const Metric metric : {Metric::dot, Metric::euclidean}) {
      maxdot::SearchOptions options;
      options.metric = metric;
      const SearchResult all = index.search(queries.view(), items.rows, options);
      for (const std::size_t k : {std::size_t{1}, std::size_t{10}, std::size_t{100}, items.rows}) {
        CAPTURE(count);
        CAPTURE(k);
        CAPTURE(maxdot::to_string(metric));
        check_same(index.search(queries.view(), k, options), ask_faiss(metric, items, queries, k),
                   all);
      }
    }
  }
}

TEST_CASE("unit vectors: the three metrics of maxdot, FAISS IP and FAISS L2 give one ranking") {
  const Rows items = signs(1200, 3);
  const Rows queries = signs(30, 4);
  const Rows unit_items = scaled(items, 0.125F);
  const Rows unit_queries = scaled(queries, 0.125F);
  maxdot::BuildOptions build;
  build.normalize = true;
  const Index index = Index::build(items.view(), build);
  std::vector<std::int64_t> ranking;
  for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
    CAPTURE(maxdot::to_string(metric));
    maxdot::SearchOptions options;
    options.metric = metric;
    const SearchResult all = index.search(queries.view(), items.rows, options);
    const SearchResult ours = index.search(queries.view(), 50, options);
    check_same(ours, ask_faiss(metric, unit_items, unit_queries, 50), all);
    if (ranking.empty()) ranking = ours.ids;
    CHECK(ours.ids == ranking);
  }
}
