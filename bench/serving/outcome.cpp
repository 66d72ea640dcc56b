#include "outcome.hpp"

#include <algorithm>
#include <cmath>

namespace maxdot::load {
namespace {

constexpr unsigned kOk = 200;

bool is_refusal(unsigned status) { return status == 429 || status == 503 || status == 504; }

}  // namespace

Percentiles percentiles_of(std::vector<double>& samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const double rank = std::ceil(share * static_cast<double>(samples.size()));
    return samples[std::min(samples.size(), static_cast<std::size_t>(std::max(rank, 1.0))) - 1];
  };
  return {samples.size(), at(0.5), at(0.9), at(0.99), at(0.999), samples.back()};
}

void Outcome::count(unsigned status, double now, double latency, bool is_same) {
  ++statuses[status];
  if (status == kOk) {
    answered.push_back(latency);
    if (now <= seconds) ++in_time;
    if (!is_same) ++wrong;
  } else if (is_refusal(status)) {
    refused.push_back(latency);
  }
}

std::uint64_t Outcome::with(unsigned status) const {
  const auto found = statuses.find(status);
  return found == statuses.end() ? 0 : found->second;
}

}  // namespace maxdot::load
