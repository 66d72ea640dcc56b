// Metrics of retrieved lists: checks what the caller gives, measures users in parallel, summarises.

#include "maxdot/evaluate.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <unordered_map>

#include "api/id_lists.hpp"
#include "api/index_parts.hpp"
#include "base/entry.hpp"
#include "base/hash.hpp"
#include "base/parallel.hpp"
#include "base/stop.hpp"
#include "maxdot/error.hpp"
#include "measure/summary.hpp"
#include "measure/user_metrics.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace evaluate {
namespace {

// Of one task: users, and places that are retrieved for them.
constexpr std::size_t kUsersPerTask = 256;
constexpr std::size_t kPlacesPerTask = std::size_t{1} << 18;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

void check(const IdLists& relevant, const Retrieved& retrieved, std::span<const std::size_t> ks,
           const Options& options) {
  api::check_lists(relevant, "relevant");
  if (retrieved.width == 0 || retrieved.ids.size() % retrieved.width != 0 ||
      retrieved.ids.size() / retrieved.width != relevant.size()) {
    refuse("retrieved: " + std::to_string(retrieved.ids.size()) + " ids are not " +
           std::to_string(relevant.size()) + " users times a width of " +
           std::to_string(retrieved.width) + "; give [users, width], padded with -1");
  }
  if (ks.empty()) refuse("ks: is empty; name at least one k");
  for (const std::size_t k : ks) {
    if (k >= 1 && k <= retrieved.width) continue;
    refuse("ks: " + std::to_string(k) + " is outside 1 to the width of the retrieved lists, " +
           std::to_string(retrieved.width) + "; retrieve more, or ask for less");
  }
  if (options.convention != Convention::standard && options.convention != Convention::rechub) {
    refuse("convention: " + std::to_string(static_cast<int>(options.convention)) +
           " is no value of Convention");
  }
  if (!(options.confidence > 0.0 && options.confidence < 1.0)) {
    refuse("confidence: " + std::to_string(options.confidence) +
           " is not between 0 and 1; 0.95 is usual");
  }
  for (std::size_t user = 0; user < relevant.size(); ++user) {
    for (const std::int64_t id : relevant.of(user)) {
      if (id >= 0) continue;
      throw Error(ErrorCode::invalid_data, "relevant: user " + std::to_string(user) +
                                               " has the id " + std::to_string(id) +
                                               "; ids of items are 0 or more");
    }
  }
}

measure::Table measure_users(const IdLists& relevant, const Retrieved& retrieved,
                             const std::vector<std::size_t>& ascending, Convention convention,
                             int threads) {
  const std::size_t users = relevant.size();
  measure::Table table;
  table.columns = ascending.size();
  table.convention = convention;
  table.cells.resize(users * table.columns);
  table.wanted.resize(users);
  std::size_t longest = 0;
  for (std::size_t user = 0; user < users; ++user) {
    const std::size_t wanted = relevant.of(user).size();
    longest = std::max(longest, wanted);
    table.wanted[user] = static_cast<double>(wanted);
    if (wanted > 0 || convention == Convention::rechub) table.population.push_back(user);
  }
  const measure::Discounts discounts(ascending.back());
  std::vector<measure::UserMetrics> scratch;
  for (int worker = 0; worker < threads; ++worker) scratch.emplace_back(discounts, longest);
  const std::size_t per_task =
      std::clamp(kPlacesPerTask / retrieved.width, std::size_t{1}, kUsersPerTask);
  base::parallel_for((users + per_task - 1) / per_task, threads,
                     [&](std::size_t task, int worker) noexcept {
                       const std::size_t end = std::min(users, (task + 1) * per_task);
                       for (std::size_t user = task * per_task; user < end; ++user) {
                         if (relevant.of(user).empty()) continue;
                         scratch[static_cast<std::size_t>(worker)].measure(
                             relevant.of(user), retrieved.ids.data() + user * retrieved.width,
                             ascending, convention, table.cells.data() + user * table.columns);
                       }
                     });
  return table;
}

struct SecretHash {
  std::uint64_t secret = base::process_secret();
  std::size_t operator()(std::int64_t id) const noexcept {
    return base::mix(static_cast<std::uint64_t>(id), secret);
  }
};

// [places] Between two looks whether the call shall end.
constexpr std::size_t kPlacesPerLook = 4096;

// Distinct items within the first k places, for each k: an item counts from its best place on.
std::vector<std::size_t> distinct_items(const Retrieved& retrieved,
                                        const std::vector<std::size_t>& ascending) {
  std::unordered_map<std::int64_t, std::size_t, SecretHash> best_place;
  for (std::size_t i = 0; i < retrieved.ids.size(); ++i) {
    if (i % kPlacesPerLook == 0) base::throw_if_stopped();
    const std::size_t place = i % retrieved.width;
    if (retrieved.ids[i] < 0 || place >= ascending.back()) continue;
    const auto [entry, is_new] = best_place.emplace(retrieved.ids[i], place);
    if (!is_new) entry->second = std::min(entry->second, place);
  }
  std::vector<std::size_t> counts(ascending.size());
  std::size_t counted = 0;
  for (const auto& [id, place] : best_place) {
    if (counted++ % kPlacesPerLook == 0) base::throw_if_stopped();
    for (std::size_t c = 0; c < ascending.size(); ++c) counts[c] += place < ascending[c] ? 1U : 0U;
  }
  return counts;
}

std::vector<Values> values_of_users(const measure::Table& table, std::size_t column) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<Values> users(table.wanted.size(), Values{none, none, none, none, none, none});
  for (const std::size_t user : table.population)
    users[user] = table.cells[user * table.columns + column].values;
  return users;
}

Report measured(const IdLists& relevant, const Retrieved& retrieved,
                std::span<const std::size_t> ks, const Options& options, int threads) {
  std::vector<std::size_t> ascending(ks.begin(), ks.end());
  std::sort(ascending.begin(), ascending.end());
  ascending.erase(std::unique(ascending.begin(), ascending.end()), ascending.end());

  const measure::Table table =
      measure_users(relevant, retrieved, ascending, options.convention, threads);
  const std::vector<Values> means = measure::means(table);
  const bool resampled = options.bootstrap > 0 && !table.population.empty();
  const measure::Intervals intervals =
      resampled
          ? measure::bootstrap(table, options.bootstrap, options.confidence, options.seed, threads)
          : measure::Intervals{};
  const std::vector<std::size_t> distinct =
      options.catalogue > 0 ? distinct_items(retrieved, ascending) : std::vector<std::size_t>{};

  Report report{options.convention, relevant.size(), table.population.size(), {}};
  for (const std::size_t k : ks) {
    const auto column = static_cast<std::size_t>(
        std::lower_bound(ascending.begin(), ascending.end(), k) - ascending.begin());
    AtK& at = report.at.emplace_back();
    at.k = k;
    at.mean = means[column];
    if (!distinct.empty()) {
      at.coverage = static_cast<double>(distinct[column]) / static_cast<double>(options.catalogue);
    }
    if (resampled) {
      at.low = intervals.low[column];
      at.high = intervals.high[column];
    }
    if (options.per_user) at.users = values_of_users(table, column);
  }
  return report;
}

}  // namespace

const char* to_string(Convention convention) noexcept {
  switch (convention) {
    case Convention::standard:
      return "standard";
    case Convention::rechub:
      return "rechub";
  }
  return "unknown";
}

Report metrics(const IdLists& relevant, const Retrieved& retrieved, std::span<const std::size_t> ks,
               const Options& options) {
  const auto no_memory = [&] {
    return "no memory to measure " + std::to_string(relevant.size()) +
           " users; evaluate fewer at once";
  };
  return base::entry(options.stop, no_memory, [&] {
    const int threads = api::checked_threads(options.threads);
    check(relevant, retrieved, ks, options);
    return measured(relevant, retrieved, ks, options, threads);
  });
}

}  // namespace evaluate
}  // namespace v0_1
}  // namespace maxdot
