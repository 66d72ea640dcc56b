// Losses, their derivatives and calibrated scores against values computed to 50 digits, and against
// differences.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "maxdot/maxdot.hpp"
#include "maxdot/objective.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

template <typename T>
constexpr double kTolerance = std::is_same_v<T, double> ? 1e-12 : 1e-6;

template <typename T>
bool close(T got, double expected) {
  return std::fabs(static_cast<double>(got) - expected) <= kTolerance<T> * std::fabs(expected);
}

template <typename T>
T cross_entropy_row(std::vector<T> logits, double temperature) {
  const std::vector<T> positive = {logits[0]};
  const std::vector<T> negatives(logits.begin() + 1, logits.end());
  std::vector<T> losses(1);
  objective::cross_entropy(positive, negatives, temperature, {.losses = losses});
  return losses[0];
}

template <typename T>
T bpr_pair(T positive, T negative) {
  const std::vector<T> p = {positive};
  const std::vector<T> n = {negative};
  std::vector<T> losses(1);
  objective::bpr(p, n, 1.0, {.losses = losses});
  return losses[0];
}

template <typename T>
T bce_one(T score, T label) {
  const std::vector<T> s = {score};
  const std::vector<T> y = {label};
  std::vector<T> losses(1);
  objective::bce(s, y, 1.0, losses);
  return losses[0];
}

template <typename Call>
ErrorCode code_of(Call&& call, const std::string& says) {
  try {
    call();
  } catch (const Error& error) {
    CAPTURE(error.what());
    CHECK(std::string(error.what()).find(says) != std::string::npos);
    return error.code();
  }
  FAIL("nothing was thrown");
  return ErrorCode::io;
}

std::vector<double> numbers(std::size_t count, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<double>(random.gaussian());
  return values;
}

}  // namespace

TEST_CASE_TEMPLATE("the losses' true values", T, float, double) {
  CHECK(close(cross_entropy_row<T>({1, -1, -1, -1}, 1.0), 0.3407529539131312));
  CHECK(close(cross_entropy_row<T>({5, -5, -5, -5}, 1.0), 1.3619051493825364e-4));
  // The same through the temperature: 1 / 0.2 = 5.
  CHECK(close(cross_entropy_row<T>({1, -1, -1, -1}, 0.2), 1.3619051493825364e-4));
  CHECK(close(bpr_pair<T>(2, 0), 0.1269280110429725));
  CHECK(close(bpr_pair<T>(0, 0), 0.6931471805599453));
  CHECK(close(bce_one<T>(1, 1), 0.3132616875182228));
  CHECK(close(bce_one<T>(-1, 0), 0.3132616875182228));
}

TEST_CASE_TEMPLATE("losses stay finite and right where a naive form overflows", T, float, double) {
  CHECK(bce_one<T>(-10000, 1) == T(10000));
  CHECK(bce_one<T>(10000, 0) == T(10000));
  CHECK(bce_one<T>(10000, 1) == T(0));
  CHECK(bpr_pair<T>(-10000, 0) == T(10000));
  CHECK(bpr_pair<T>(10000, 0) == T(0));
  CHECK(close(bpr_pair<T>(0, 200), 200.0));
  CHECK(close(bpr_pair<T>(30, 0), 9.357622968839299e-14));
  CHECK(cross_entropy_row<T>({-10000, 10000, 0}, 1.0) == T(20000));
  CHECK(cross_entropy_row<T>({10000, -10000, 0}, 1.0) == T(0));
  CHECK(close(cross_entropy_row<T>({0, 10000, 10000}, 1.0), 10000.693147180559945));
}

TEST_CASE("losses of logits beyond double: what has no weight counts as 0, the rest is infinite") {
  const double most = std::numeric_limits<double>::max();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> scores = {-most, most, -most, most};
  const std::vector<double> labels = {0, 1, 1, 0};
  std::vector<double> losses(4);
  std::vector<double> gradient(4);
  objective::bce(scores, labels, 1e-10, losses, gradient);
  CHECK(losses == std::vector<double>{0, 0, infinity, infinity});
  CHECK(gradient == std::vector<double>{0, 0, -1e10, 1e10});

  const std::vector<double> positive = {-most};
  const std::vector<double> negatives = {most, most, -most};
  std::vector<double> loss(1);
  std::vector<double> pull(1);
  std::vector<double> push(3);
  const objective::ContrastOutputs<double> out = {loss, pull, push};
  objective::cross_entropy(positive, negatives, 1.0, out);
  CHECK(loss == std::vector<double>{infinity});
  CHECK(pull == std::vector<double>{-1});
  CHECK(push == std::vector<double>{0.5, 0.5, 0});
}

TEST_CASE_TEMPLATE("probabilities at ordinary and extreme scores", T, float, double) {
  const T infinity = std::numeric_limits<T>::infinity();
  const std::vector<T> scores = {0, 1, -1, 10000, -10000, infinity, -infinity, -50};
  std::vector<T> out(scores.size());
  objective::probability(scores, out);
  const double expected[] = {0.5, 0.7310585786300049,   0.2689414213699951, 1, 0, 1,
                             0,   1.928749847963918e-22};
  for (std::size_t i = 0; i < scores.size(); ++i) CHECK(close(out[i], expected[i]));
  objective::probability(std::vector<T>{1}, std::span<T>(out.data(), 1), 0.5);
  CHECK(close(out[0], 0.8807970779778824));

  // Two items with logits 0 and 10,000: the partition's logarithm is 10,000.
  const std::vector<T> pair = {0, 10000, -infinity};
  std::vector<T> softmax(3);
  objective::softmax(pair, std::vector<double>{10000.0}, softmax);
  CHECK(softmax == std::vector<T>{0, 1, 0});
  objective::softmax(std::vector<T>{1, -1, -1, -1}, std::vector<double>{1.3407529539131312},
                     std::span<T>(out.data(), 4));
  CHECK(close(out[0], 0.7112345942275937));
  CHECK(close(out[1], 0.09625513525746875));
}

TEST_CASE("derivatives are the limits of differences") {
  const double step = 1e-5;
  for (const double temperature : {1.0, 0.2, 3.0}) {
    CAPTURE(temperature);
    const auto check = [&](const std::vector<double>& at, const std::vector<double>& gradient,
                           const auto& sum) {
      for (std::size_t i = 0; i < at.size(); ++i) {
        std::vector<double> up = at;
        std::vector<double> down = at;
        up[i] += step;
        down[i] -= step;
        CHECK(gradient[i] == doctest::Approx((sum(up) - sum(down)) / (2 * step)).epsilon(1e-6));
      }
    };
    const std::vector<double> scores = numbers(20, 1);
    std::vector<double> labels(20);
    for (std::size_t i = 0; i < 20; ++i) labels[i] = static_cast<double>(i % 3) / 2;
    std::vector<double> gradient(20);
    objective::bce(scores, labels, temperature, {}, gradient);
    check(scores, gradient,
          [&](const auto& at) { return 20 * objective::bce(at, labels, temperature); });

    const std::vector<double> positive = numbers(5, 2);
    const std::vector<double> negative = numbers(15, 3);
    std::vector<double> of_positive(5);
    std::vector<double> of_negative(15);
    objective::bpr(positive, negative, temperature, {{}, of_positive, of_negative});
    check(positive, of_positive,
          [&](const auto& at) { return 15 * objective::bpr(at, negative, temperature); });
    check(negative, of_negative,
          [&](const auto& at) { return 15 * objective::bpr(positive, at, temperature); });

    objective::cross_entropy(positive, negative, temperature, {{}, of_positive, of_negative});
    check(positive, of_positive,
          [&](const auto& at) { return 5 * objective::cross_entropy(at, negative, temperature); });
    check(negative, of_negative,
          [&](const auto& at) { return 5 * objective::cross_entropy(positive, at, temperature); });
  }
}

TEST_CASE("a loss refuses what it cannot use, by name") {
  const std::vector<double> two = {1, 2};
  const std::vector<double> three = {1, 2, 3};
  const std::vector<double> bad = {1, std::numeric_limits<double>::quiet_NaN()};
  const std::vector<double> none;
  std::vector<double> out(3);
  using enum ErrorCode;
  CHECK(code_of([&] { objective::bce(two, three); }, "labels: has 3 elements") == invalid_argument);
  CHECK(code_of([&] { objective::bce(none, none); }, "scores: is empty") == invalid_argument);
  CHECK(code_of([&] { objective::bce(bad, two); }, "scores: element 1 is NaN") == invalid_data);
  CHECK(code_of([&] { objective::bce(two, two); }, "labels: element 1 is 2") == invalid_data);
  CHECK(code_of([&] { objective::bpr(two, three); }, "negative: has 3 elements") ==
        invalid_argument);
  CHECK(code_of([&] { objective::bpr(two, bad); }, "negative: element 1") == invalid_data);
  CHECK(code_of([&] { objective::cross_entropy(two, none); }, "negatives: has 0") ==
        invalid_argument);
  CHECK(code_of([&] { objective::cross_entropy(two, two, 0.0); }, "temperature: 0") ==
        invalid_argument);
  CHECK(code_of([&] { objective::cross_entropy(two, two, 1.0, {.losses = out}); },
                "losses: has 3") == invalid_argument);
  CHECK(code_of([&] { objective::probability(bad, std::span(out).first(2)); },
                "scores: element 1") == invalid_data);
  CHECK(code_of([&] { objective::softmax(three, two, out); }, "scores: 3 elements") ==
        invalid_argument);
}
