#include "api/search_arguments.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "api/index_parts.hpp"
#include "maxdot/error.hpp"

namespace maxdot::api {
namespace {

// A thread more pays for every so many elements of the catalogue, the catalogue of a batch counting
// once more for every so many queries: to wake one takes as long as they do. ("Threads" in
// docs/measurements.md)
constexpr double kElementsPerThread = 0x1p20;
constexpr double kQueriesAsCatalogue = 64.0;

}  // namespace

int search_threads(int requested, const store::ItemStore& items, std::size_t queries) {
  const int threads = checked_threads(requested);
  if (requested != 0) return threads;
  const double elements = static_cast<double>(items.items) * static_cast<double>(items.dimension) *
                          (1.0 + static_cast<double>(queries) / kQueriesAsCatalogue);
  return static_cast<int>(std::min<double>(threads, 1.0 + elements / kElementsPerThread));
}

std::size_t checked_users(const MatrixView& interests, std::size_t per_user) {
  if (per_user == 0 || interests.rows % per_user != 0) {
    throw Error(ErrorCode::invalid_argument,
                "interests: " + std::to_string(interests.rows) +
                    " rows are not users times per_user = " + std::to_string(per_user));
  }
  return interests.rows / per_user;
}

std::vector<double> checked_thresholds(std::span<const double> thresholds, std::size_t queries) {
  if (thresholds.size() != 1 && thresholds.size() != queries) {
    throw Error(ErrorCode::invalid_argument,
                "thresholds: has " + std::to_string(thresholds.size()) + " values, but there are " +
                    std::to_string(queries) + " queries; give each one, or one for all");
  }
  for (std::size_t q = 0; q < thresholds.size(); ++q) {
    if (std::isnan(thresholds[q])) {
      throw Error(ErrorCode::invalid_data, "thresholds: element " + std::to_string(q) + " is NaN");
    }
  }
  if (thresholds.size() == queries) return {thresholds.begin(), thresholds.end()};
  return std::vector<double>(queries, thresholds[0]);
}

}  // namespace maxdot::api
