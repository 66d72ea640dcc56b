// Losses and calibrated scores on plain arrays. One template for each; the public overloads are at
// the end.

#include "maxdot/objective.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/elementary.hpp"
#include "base/entry.hpp"
#include "base/logistic.hpp"
#include "maxdot/error.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace objective {
namespace {

using base::sigmoid;
using base::softplus;

// 0 times infinity counts as 0: what has no weight has no part in a loss, however large it is.
double weighted(double weight, double value) { return weight == 0.0 ? 0.0 : weight * value; }

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

void check_temperature(double temperature) {
  if (std::isfinite(temperature) && temperature > 0.0) return;
  refuse("temperature: " + std::to_string(temperature) +
         " is not a finite number above 0; 1 changes nothing");
}

void check_length(const char* name, std::size_t length, std::size_t wanted) {
  if (length == wanted) return;
  refuse(std::string(name) + ": has " + std::to_string(length) + " elements, but " +
         std::to_string(wanted) + " are needed");
}

template <typename T>
void check_output(const char* name, std::span<T> out, std::size_t wanted) {
  if (!out.empty()) check_length(name, out.size(), wanted);
}

template <typename T>
void check_scores(const char* name, std::span<const T> scores) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isfinite(scores[i])) continue;
    throw Error(ErrorCode::invalid_data, std::string(name) + ": element " + std::to_string(i) +
                                             (std::isnan(scores[i]) ? " is NaN" : " is infinite") +
                                             "; remove it, or repair the model that made it");
  }
}

// Negatives per positive.
template <typename T>
std::size_t check_contrast(const char* negative_name, std::span<const T> positive,
                           std::span<const T> negative, double temperature) {
  check_temperature(temperature);
  if (positive.empty()) refuse("positive: is empty; a mean needs at least one score");
  if (negative.empty() || negative.size() % positive.size() != 0) {
    refuse(std::string(negative_name) + ": has " + std::to_string(negative.size()) +
           " elements; give the same number, at least 1, for each of the " +
           std::to_string(positive.size()) + " positives");
  }
  check_scores("positive", positive);
  check_scores(negative_name, negative);
  return negative.size() / positive.size();
}

template <typename T>
double bce_of(std::span<const T> scores, std::span<const T> labels, double temperature,
              std::span<T> losses, std::span<T> gradient) {
  check_temperature(temperature);
  if (scores.empty()) refuse("scores: is empty; a mean needs at least one score");
  check_length("labels", labels.size(), scores.size());
  check_output("losses", losses, scores.size());
  check_output("gradient", gradient, scores.size());
  check_scores("scores", scores);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] <= 1) continue;
    throw Error(ErrorCode::invalid_data, "labels: element " + std::to_string(i) + " is " +
                                             std::to_string(labels[i]) +
                                             "; a label is a number from 0 to 1");
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double logit = static_cast<double>(scores[i]) / temperature;
    const double label = static_cast<double>(labels[i]);
    // Weighted, not softplus(logit) - label * logit: that one cancels.
    const double loss = weighted(label, softplus(-logit)) + weighted(1.0 - label, softplus(logit));
    sum += loss;
    if (!losses.empty()) losses[i] = static_cast<T>(loss);
    if (!gradient.empty()) {
      gradient[i] =
          static_cast<T>(((1.0 - label) * sigmoid(logit) - label * sigmoid(-logit)) / temperature);
    }
  }
  return sum / static_cast<double>(scores.size());
}

template <typename T>
double bpr_of(std::span<const T> positive, std::span<const T> negative, double temperature,
              const ContrastOutputs<T>& out) {
  const std::size_t n = check_contrast("negative", positive, negative, temperature);
  check_output("losses", out.losses, negative.size());
  check_output("positive_gradient", out.positive_gradient, positive.size());
  check_output("negative_gradient", out.negative_gradient, negative.size());
  double sum = 0.0;
  for (std::size_t b = 0; b < positive.size(); ++b) {
    double pull = 0.0;
    for (std::size_t i = b * n; i < (b + 1) * n; ++i) {
      const double margin =
          (static_cast<double>(positive[b]) - static_cast<double>(negative[i])) / temperature;
      const double loss = softplus(-margin);
      const double push = sigmoid(-margin) / temperature;
      sum += loss;
      pull += push;
      if (!out.losses.empty()) out.losses[i] = static_cast<T>(loss);
      if (!out.negative_gradient.empty()) out.negative_gradient[i] = static_cast<T>(push);
    }
    if (!out.positive_gradient.empty()) out.positive_gradient[b] = static_cast<T>(-pull);
  }
  return sum / static_cast<double>(negative.size());
}

// Relative to the positive's logit the loss is ln(1 + Σ e^margin). With the largest of the margins
// and 0 taken out, every exponential is at most 1, and log1p keeps a loss near 0 accurate.
template <typename T>
double cross_entropy_of(std::span<const T> positive, std::span<const T> negatives,
                        double temperature, const ContrastOutputs<T>& out) {
  const std::size_t n = check_contrast("negatives", positive, negatives, temperature);
  check_output("losses", out.losses, positive.size());
  check_output("positive_gradient", out.positive_gradient, positive.size());
  check_output("negative_gradient", out.negative_gradient, negatives.size());
  double total = 0.0;
  for (std::size_t b = 0; b < positive.size(); ++b) {
    const std::span<const T> row = negatives.subspan(b * n, n);
    const auto margin = [&](T negative) {
      return (static_cast<double>(negative) - static_cast<double>(positive[b])) / temperature;
    };
    const T top = *std::max_element(row.begin(), row.end());
    const double largest = std::max(0.0, margin(top));
    // Where margins overflow, their differences need not.
    const auto lowered = [&](T negative) {
      return std::isinf(largest)
                 ? (static_cast<double>(negative) - static_cast<double>(top)) / temperature
                 : margin(negative) - largest;
    };
    double sum = 0.0;
    for (const T negative : row) sum += base::exp(lowered(negative));
    const double loss =
        largest > 0.0 ? largest + base::log(base::exp(-largest) + sum) : base::log1p(sum);
    const double partition = base::exp(-largest) + sum;
    total += loss;
    if (!out.losses.empty()) out.losses[b] = static_cast<T>(loss);
    if (!out.positive_gradient.empty())
      out.positive_gradient[b] = static_cast<T>(-sum / partition / temperature);
    if (out.negative_gradient.empty()) continue;
    for (std::size_t i = 0; i < n; ++i) {
      out.negative_gradient[b * n + i] =
          static_cast<T>(base::exp(lowered(row[i])) / partition / temperature);
    }
  }
  return total / static_cast<double>(positive.size());
}

template <typename T>
void check_no_nan(std::span<const T> scores) {
  const auto nan =
      std::find_if(scores.begin(), scores.end(), [](T score) { return std::isnan(score); });
  if (nan == scores.end()) return;
  throw Error(ErrorCode::invalid_data, "scores: element " + std::to_string(nan - scores.begin()) +
                                           " is NaN; give the scores of a search");
}

template <typename T>
void probability_of(std::span<const T> scores, std::span<T> out, double temperature) {
  check_temperature(temperature);
  check_length("out", out.size(), scores.size());
  check_no_nan(scores);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    out[i] = static_cast<T>(sigmoid(static_cast<double>(scores[i]) / temperature));
  }
}

template <typename T>
void softmax_of(std::span<const T> scores, std::span<const double> log_partition, std::span<T> out,
                double temperature, std::span<const double> log_q) {
  check_temperature(temperature);
  check_length("out", out.size(), scores.size());
  if (!log_q.empty()) check_length("log_q", log_q.size(), scores.size());
  if (scores.empty()) return;
  if (log_partition.empty() || scores.size() % log_partition.size() != 0) {
    refuse("scores: " + std::to_string(scores.size()) +
           " elements are no whole number for each of the " + std::to_string(log_partition.size()) +
           " values of log_partition; give [n, m] scores and [n] values");
  }
  check_no_nan(scores);
  check_scores("log_partition", log_partition);
  check_scores("log_q", log_q);
  const std::size_t columns = scores.size() / log_partition.size();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double lowered = log_q.empty() ? 0.0 : log_q[i];
    const double logit = static_cast<double>(scores[i]) / temperature - lowered;
    out[i] = static_cast<T>(std::min(1.0, base::exp(logit - log_partition[i / columns])));
  }
}

// The losses allocate nothing but the words of a refusal.
constexpr auto no_memory = [] {
  return std::string("no memory for a message: an argument is not right");
};

}  // namespace

double bce(std::span<const float> scores, std::span<const float> labels, double temperature,
           std::span<float> losses, std::span<float> gradient) {
  return base::entry(no_memory,
                     [&] { return bce_of(scores, labels, temperature, losses, gradient); });
}

double bce(std::span<const double> scores, std::span<const double> labels, double temperature,
           std::span<double> losses, std::span<double> gradient) {
  return base::entry(no_memory,
                     [&] { return bce_of(scores, labels, temperature, losses, gradient); });
}

double bpr(std::span<const float> positive, std::span<const float> negative, double temperature,
           const ContrastOutputs<float>& out) {
  return base::entry(no_memory, [&] { return bpr_of(positive, negative, temperature, out); });
}

double bpr(std::span<const double> positive, std::span<const double> negative, double temperature,
           const ContrastOutputs<double>& out) {
  return base::entry(no_memory, [&] { return bpr_of(positive, negative, temperature, out); });
}

double cross_entropy(std::span<const float> positive, std::span<const float> negatives,
                     double temperature, const ContrastOutputs<float>& out) {
  return base::entry(no_memory,
                     [&] { return cross_entropy_of(positive, negatives, temperature, out); });
}

double cross_entropy(std::span<const double> positive, std::span<const double> negatives,
                     double temperature, const ContrastOutputs<double>& out) {
  return base::entry(no_memory,
                     [&] { return cross_entropy_of(positive, negatives, temperature, out); });
}

void probability(std::span<const float> scores, std::span<float> out, double temperature) {
  base::entry(no_memory, [&] { return probability_of(scores, out, temperature); });
}

void probability(std::span<const double> scores, std::span<double> out, double temperature) {
  base::entry(no_memory, [&] { return probability_of(scores, out, temperature); });
}

void softmax(std::span<const float> scores, std::span<const double> log_partition,
             std::span<float> out, double temperature, std::span<const double> log_q) {
  base::entry(no_memory,
              [&] { return softmax_of(scores, log_partition, out, temperature, log_q); });
}

void softmax(std::span<const double> scores, std::span<const double> log_partition,
             std::span<double> out, double temperature, std::span<const double> log_q) {
  base::entry(no_memory,
              [&] { return softmax_of(scores, log_partition, out, temperature, log_q); });
}

}  // namespace objective
}  // namespace v0_1
}  // namespace maxdot
