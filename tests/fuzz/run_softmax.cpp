// The softmax over an index: the same bits whatever the instruction set, the threads and the
// environment, and within the bound of docs/objectives.md of a long double sum.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/score.hpp"
#include "compare.hpp"
#include "maxdot/objective.hpp"
#include "runners.hpp"
#include "softmax/log_sum_exp.hpp"
#include "subject.hpp"

namespace fuzz {
namespace {

using maxdot::objective::SoftmaxOptions;

struct Problem {
  const Case& drawn;
  const oracle::Oracle& oracle;
  const Subject& subject;
  double temperature;
  std::vector<double> log_q;

  const double* corrections() const { return log_q.empty() ? nullptr : log_q.data(); }
  SoftmaxOptions options(Random& random) const {
    return {.temperature = temperature,
            .log_q = log_q,
            .metric = drawn.metric,
            .threads = draw_threads(random)};
  }
};

double bound(const Problem& problem, std::size_t query) {
  double largest = 0.0;
  for (const double value : problem.log_q) largest = std::max(largest, std::fabs(value));
  const auto steps = static_cast<double>(problem.drawn.items.cols + 8);
  const double size = problem.oracle.largest_size(query, problem.temperature);
  return 0x1p-24 * (steps * size + 4 * largest) + 6e-7;
}

/// `size`: of the f64 numbers that round on the way.
void compare_near(double got, long double right, double allowed, double size,
                  const std::string& how) {
  if (std::isinf(right) && got == static_cast<double>(right)) return;
  const long double error = std::fabs(static_cast<long double>(got) - right);
  if (error <= static_cast<long double>(allowed + 1e-13 * std::fabs(size))) return;
  char text[160];
  std::snprintf(text, sizeof text, ": got %.17g, expected %.20Lg, error %.3Lg, allowed %.3g", got,
                right, error, allowed);
  throw Failure(how + text);
}

std::vector<double> check_partition(const Problem& problem, Random& random) {
  const std::size_t queries = problem.drawn.queries.rows;
  std::vector<double> got(queries, 99.0);
  const SoftmaxOptions options = problem.options(random);
  const std::string how = "log_partition, threads " + std::to_string(options.threads);
  call_anywhere(random, how, [&] {
    maxdot::objective::log_partition(problem.subject.index(), problem.subject.queries(), got,
                                     options);
  });
  for (std::size_t q = 0; q < queries; ++q) {
    const long double right = problem.oracle.log_partition(
        q, problem.temperature, problem.corrections(), problem.oracle.items());
    compare_near(got[q], right, bound(problem, q), static_cast<double>(right),
                 how + ", query " + std::to_string(q));
  }
  return got;
}

void check_ways(const Problem& problem, const std::vector<double>& expected, Random& random) {
  for (std::size_t ways = draw_ways(problem.drawn, random); ways > 0; --ways) {
    const Way way = draw_way(random, false);
    const maxdot::softmax::Logits logits = {
        problem.subject.items(), *way.table,
        maxdot::base::ranking_of(problem.drawn.metric, problem.drawn.normalized),
        problem.temperature, problem.corrections()};
    std::vector<double> got(expected.size(), 99.0);
    maxdot::softmax::log_sum_exp(logits, problem.subject.queries(), nullptr, way.threads,
                                 got.data());
    for (std::size_t q = 0; q < got.size(); ++q) {
      compare(got[q], expected[q],
              "log_sum_exp, " + way.describe() + ", query " + std::to_string(q));
    }
  }
}

void check_loss(const Problem& problem, Random& random) {
  const std::size_t queries = problem.drawn.queries.rows;
  std::vector<std::int64_t> positives(queries);
  for (std::int64_t& id : positives) id = problem.drawn.id(random.below(problem.drawn.items.rows));
  std::vector<double> losses(queries);
  std::vector<double> again(queries);
  const SoftmaxOptions options = problem.options(random);
  const SoftmaxOptions others = problem.options(random);
  const std::string how = "full_softmax, threads " + std::to_string(options.threads);
  call_anywhere(random, how, [&] {
    maxdot::objective::full_softmax(problem.subject.index(), problem.subject.queries(), positives,
                                    options, {.losses = losses});
  });
  call_anywhere(random, how, [&] {
    maxdot::objective::full_softmax(problem.subject.index(), problem.subject.queries(), positives,
                                    others, {.losses = again});
  });
  for (std::size_t q = 0; q < queries; ++q) {
    const std::string which = how + ", query " + std::to_string(q);
    compare(again[q], losses[q], which + ", with threads " + std::to_string(others.threads));
    const std::size_t row = problem.oracle.row_of(positives[q]);
    const double positive =
        problem.oracle.logit(q, row, problem.temperature, problem.corrections());
    const long double rest =
        problem.oracle.log_partition(q, problem.temperature, problem.corrections(), row);
    const long double margin = rest - positive;
    const long double right = std::max(margin, 0.0L) + std::log1p(std::exp(-std::fabs(margin)));
    const double size =
        std::fabs(positive) + (std::isinf(rest) ? 0.0 : std::fabs(static_cast<double>(rest)));
    compare_near(losses[q], right, bound(problem, q), size, which);
  }
}

}  // namespace

void run_softmax(const Case& drawn, Random& random) {
  const oracle::Oracle oracle = drawn.oracle();
  const Subject subject(drawn, random);
  Problem problem = {
      drawn, oracle, subject, random.pick({1.0, 1.0, 0.05, 0.3, 20.0, 1e-4, 1e4}), {}};
  if (random.one_in(3)) {
    const double size = random.pick({1.0, 10.0, 1000.0, 1e20});
    for (std::size_t r = 0; r < drawn.items.rows; ++r)
      problem.log_q.push_back(-size * random.unit());
  }
  check_ways(problem, check_partition(problem, random), random);
  if (drawn.items.rows != 0 && drawn.queries.rows != 0) check_loss(problem, random);
}

}  // namespace fuzz
