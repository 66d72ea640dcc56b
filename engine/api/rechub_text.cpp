// The strings that torch-rechub's topk_metrics returns, from our numbers.

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/entry.hpp"
#include "base/float_environment.hpp"
#include "maxdot/error.hpp"
#include "maxdot/evaluate.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace evaluate {
namespace {

const char* name_of(RechubMetric metric) noexcept {
  switch (metric) {
    case RechubMetric::ndcg:
      return "NDCG";
    case RechubMetric::mrr:
      return "MRR";
    case RechubMetric::recall:
      return "Recall";
    case RechubMetric::hit:
      return "Hit";
    case RechubMetric::precision:
      return "Precision";
  }
  return "";
}

}  // namespace

double rechub_rounded(RechubMetric metric, double value) noexcept {
  return base::in_default_environment([&] {
    // NumPy scales, rounds half to even, and scales back; Python rounds the exact binary value, as
    // printf does.
    if (metric == RechubMetric::ndcg) return std::nearbyint(value * 10000.0) / 10000.0;
    char text[512];  // the largest f64 has 309 digits
    std::snprintf(text, sizeof(text), "%.4f", value);
    return std::strtod(text, nullptr);
  });
}

std::string rechub_text(RechubMetric metric, std::size_t k, double value) {
  return base::entry(
      [] { return std::string("no memory for a text"); },
      [&] {
        if (metric > RechubMetric::precision) {
          throw Error(ErrorCode::invalid_argument,
                      "metric: " + std::to_string(static_cast<int>(metric)) +
                          " is not a value of RechubMetric");
        }
        char digits[512];
        const auto end = std::to_chars(digits, digits + sizeof(digits),
                                       rechub_rounded(metric, value), std::chars_format::fixed)
                             .ptr;
        std::string number(digits, end);
        if (number.find('.') == std::string::npos) number += ".0";
        return std::string(name_of(metric)) + "@" + std::to_string(k) + ": " + number;
      });
}

}  // namespace evaluate
}  // namespace v0_1
}  // namespace maxdot
