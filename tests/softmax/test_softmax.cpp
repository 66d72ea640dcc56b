// The softmax over a whole index against f64, and what must not matter.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/kernels.hpp"
#include "maxdot/maxdot.hpp"
#include "maxdot/objective.hpp"
#include "softmax/log_sum_exp.hpp"
#include "store/encode.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

std::vector<double> logits_of(const test::Rows& items, const float* query, Metric metric,
                              const objective::SoftmaxOptions& options) {
  std::vector<double> logits(items.rows);
  for (std::size_t row = 0; row < items.rows; ++row) {
    const float* item = &items.values[row * items.cols];
    logits[row] =
        reference::score(query, item, items.cols, metric, false).key / options.temperature;
    if (!options.log_q.empty()) logits[row] -= options.log_q[row];
  }
  return logits;
}

double log_sum_exp(const std::vector<double>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

double norm(const float* row, std::size_t d) { return std::sqrt(reference::dot64(row, row, d)); }

/// The bound of docs/objectives.md.
double allowed(const test::Rows& items, const float* query, Metric metric,
               const objective::SoftmaxOptions& options) {
  double largest = 0;
  for (std::size_t row = 0; row < items.rows; ++row) {
    const double log_q = options.log_q.empty() ? 0.0 : std::fabs(options.log_q[row]);
    const double scale =
        metric == Metric::cosine
            ? 1.0
            : norm(query, items.cols) * norm(&items.values[row * items.cols], items.cols);
    largest = std::max(
        largest, scale / options.temperature * static_cast<double>(items.cols + 8) + 4 * log_q);
  }
  return largest * 0x1p-24 + 6e-7;
}

double difference_to_f64(const test::Rows& items, const test::Rows& queries, Metric metric,
                         const objective::SoftmaxOptions& options) {
  const Index index = Index::build(items.view(), {.metric = metric});
  std::vector<double> got(queries.rows);
  objective::log_partition(index, queries.view(), got, options);
  double worst = 0;
  for (std::size_t q = 0; q < queries.rows; ++q) {
    const float* query = &queries.values[q * queries.cols];
    const double expected = log_sum_exp(logits_of(items, query, metric, options));
    // f64's own rounding matters only where logits are beyond f32.
    const double error = std::fabs(got[q] - expected) - 1e-13 * std::fabs(expected);
    worst = std::max(worst, error / allowed(items, query, metric, options));
  }
  return worst;
}

}  // namespace

TEST_CASE("log_partition is within its bound of f64") {
  for (const Metric metric : {Metric::dot, Metric::cosine}) {
    CAPTURE(to_string(metric));
    for (const test::Generator& generator : test::generators()) {
      CAPTURE(generator.name);
      for (const double temperature : {1.0, 0.05, 1e-4}) {
        CAPTURE(temperature);
        const test::Rows items = generator.make(333, 21, 1);
        const test::Rows queries = generator.make(30, 21, 2);
        CHECK(difference_to_f64(items, queries, metric, {.temperature = temperature}) <= 1.0);
      }
    }
  }
}

TEST_CASE("items and queries of every size together") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    const test::Rows items = test::gaussian_rows(130, 9, 3);
    test::Rows mixed = generator.make(130, 9, 4);
    std::copy(items.values.begin(), items.values.begin() + 70 * 9, mixed.values.begin());
    for (const Metric metric : {Metric::dot, Metric::cosine}) {
      CHECK(difference_to_f64(mixed, generator.make(10, 9, 5), metric, {}) <= 1.0);
      CHECK(difference_to_f64(mixed, test::gaussian_rows(10, 9, 6), metric, {}) <= 1.0);
    }
  }
}

TEST_CASE("items in ascending order of their logits do not add rounding errors up") {
  for (const float range : {0.1F, 1.0F, 7.0F, 90.0F, 300.0F}) {
    CAPTURE(range);
    test::Rows items{std::vector<float>(50000), 50000, 1};
    for (std::size_t row = 0; row < 50000; ++row)
      items.values[row] = range * (static_cast<float>(row) / 50000 - 0.5F);
    const test::Rows queries{{1.0F, 0.37F, -1.0F}, 3, 1};
    CHECK(difference_to_f64(items, queries, Metric::dot, {}) <= 1.0);
  }
}

TEST_CASE("log-q correction") {
  const test::Rows items = test::gaussian_rows(500, 16, 1);
  std::vector<double> log_q(500);
  for (std::size_t row = 0; row < 500; ++row)
    log_q[row] = -std::log(static_cast<double>(row + 2)) - 1.0;
  CHECK(difference_to_f64(items, test::gaussian_rows(20, 16, 2), Metric::dot, {.log_q = log_q}) <=
        1.0);
  log_q[77] = -1e30;  // beyond f32
  CHECK(difference_to_f64(items, test::gaussian_rows(20, 16, 2), Metric::dot, {.log_q = log_q}) <=
        1.0);
}

TEST_CASE("threads, batches and instruction sets do not change a bit of log_partition") {
  const test::Rows items = test::gaussian_rows(40000, 12, 1);
  const test::Rows queries = test::gaussian_rows(1101, 12, 2);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  std::vector<double> expected(queries.rows);
  objective::log_partition(index, queries.view(), expected, {.threads = 1});
  std::vector<double> got(queries.rows);
  for (const int threads : {2, 3, 5}) {
    objective::log_partition(index, queries.view(), got, {.threads = threads});
    CHECK(got == expected);
  }
  for (std::size_t q = 0; q < queries.rows; q += 157) {
    double alone = 0;
    objective::log_partition(index, queries.view().slice(q, 1), std::span(&alone, 1));
    CHECK(alone == expected[q]);
  }
  Matrix rows(items.rows, items.cols, DType::f32);
  std::memcpy(rows.data(), items.values.data(), items.values.size() * sizeof(float));
  const auto store =
      store::encode(std::move(rows), {Metric::dot, false, {}, 1}, kernels::reference_table());
  const std::size_t few = 20;
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    const softmax::Logits logits = {*store, *table, base::Ranking::dot, 1.0, nullptr};
    softmax::log_sum_exp(logits, queries.view().slice(0, few), nullptr, 1, got.data());
    CHECK(std::equal(got.begin(), got.begin() + few, expected.begin()));
  }
}

TEST_CASE("f16 rows and queries count as their f32 values") {
  const test::Rows items = test::gaussian_rows(300, 20, 1);
  const std::vector<std::uint16_t> halves = test::to_halves(items);
  const Index narrow =
      Index::build(MatrixView::f16(halves.data(), 300, 20), {.metric = Metric::cosine});
  std::vector<float> widened(300 * 20);
  for (std::size_t row = 0; row < 300; ++row) narrow.item_row(row, &widened[row * 20]);
  const Index wide =
      Index::build(MatrixView::f32(widened.data(), 300, 20), {.metric = Metric::cosine});
  std::vector<double> a(300);
  std::vector<double> b(300);
  objective::log_partition(narrow, MatrixView::f16(halves.data(), 300, 20), a);
  objective::log_partition(wide, MatrixView::f32(widened.data(), 300, 20), b);
  CHECK(a == b);
}

TEST_CASE("full_softmax: loss, derivative and probabilities against f64") {
  const test::Rows items = test::gaussian_rows(700, 24, 1);
  const test::Rows queries = test::gaussian_rows(50, 24, 2);
  std::vector<std::int64_t> ids(700);
  for (std::size_t row = 0; row < 700; ++row) ids[row] = static_cast<std::int64_t>(5000 - 7 * row);
  for (const double temperature : {1.0, 0.1, 1e-4}) {
    CAPTURE(temperature);
    const objective::SoftmaxOptions options = {.temperature = temperature};
    const Index index = Index::build(items.view(), {.metric = Metric::dot, .ids = ids});
    std::vector<std::int64_t> positives;
    std::vector<std::vector<double>> logits;
    for (std::size_t q = 0; q < 50; ++q) {
      logits.push_back(logits_of(items, &queries.values[q * 24], Metric::dot, options));
      // Every second positive is the best item: with a low temperature its loss is tiny, and must
      // be accurate.
      const auto best = std::max_element(logits[q].begin(), logits[q].end()) - logits[q].begin();
      positives.push_back(ids[q % 2 == 0 ? static_cast<std::size_t>(best) : q]);
    }
    std::vector<double> losses(50), gradient(50), partition(50), probabilities(100);
    const double mean = objective::full_softmax(index, queries.view(), positives, options,
                                                {losses, gradient, partition});
    CHECK(mean ==
          doctest::Approx(std::accumulate(losses.begin(), losses.end(), 0.0) / 50).epsilon(1e-14));
    std::vector<std::int64_t> asked;
    for (const std::int64_t id : positives) asked.insert(asked.end(), {id, -1});
    objective::probabilities(index, queries.view(), asked, partition, probabilities, options);
    for (std::size_t q = 0; q < 50; ++q) {
      const auto row = static_cast<std::size_t>((5000 - positives[q]) / 7);
      std::vector<double> others = logits[q];
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(row));
      const double margin = log_sum_exp(others) - logits[q][row];
      const double loss = margin > 30 ? margin : std::log1p(std::exp(margin));
      const double error = allowed(items, &queries.values[q * 24], Metric::dot, options);
      CHECK(std::fabs(losses[q] - loss) <= error * std::min(1.0, loss * 1.01));
      const double slope = -1.0 / (1.0 + std::exp(-margin)) / temperature;
      CHECK(std::fabs(gradient[q] - slope) <= error * std::fabs(slope) * 1.01);
      CHECK(std::fabs(partition[q] - log_sum_exp(logits[q])) <= error);
      CHECK(probabilities[2 * q] == doctest::Approx(std::exp(-losses[q])).epsilon(1e-9));
      CHECK(probabilities[2 * q + 1] == 0.0);
    }
  }
}

TEST_CASE("an index of one item, and of none") {
  const test::Rows one = test::gaussian_rows(1, 4, 1);
  const Index single = Index::build(one.view());
  const std::vector<std::int64_t> zero = {0};
  std::vector<double> gradient(1);
  CHECK(objective::full_softmax(single, one.view(), zero, {}, {.gradient = gradient}) == 0.0);
  CHECK(gradient[0] == 0.0);
  const Index empty = Index::build(MatrixView::f32(nullptr, 0, 4));
  double out = 0;
  objective::log_partition(empty, one.view(), std::span(&out, 1));
  CHECK(out == -std::numeric_limits<double>::infinity());
}

TEST_CASE("the softmax refuses what it cannot use, by name") {
  const test::Rows items = test::gaussian_rows(5, 4, 1);
  const Index index = Index::build(items.view());
  std::vector<double> out(5);
  const auto says = [&](const objective::SoftmaxOptions& options, const std::string& text) {
    try {
      objective::log_partition(index, items.view(), out, options);
    } catch (const Error& error) {
      CAPTURE(error.what());
      CHECK(std::string(error.what()).find(text) != std::string::npos);
      return;
    }
    FAIL("nothing was thrown");
  };
  says({.temperature = 0}, "temperature: ");
  says({.metric = Metric::euclidean}, "metric: a distance is no logit");
  says({.log_q = std::span(out).first(3)}, "log_q: has 3 values");
  const std::vector<double> infinite = {0, 0, -std::numeric_limits<double>::infinity(), 0, 0};
  says({.log_q = infinite}, "log_q: row 2");
  const std::vector<std::int64_t> unknown = {0, 1, 2, 9, 4};
  CHECK_THROWS_WITH_AS(objective::full_softmax(index, items.view(), unknown),
                       doctest::Contains("element 3 is 9"), Error);
}
