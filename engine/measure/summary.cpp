#include "measure/summary.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parallel.hpp"
#include "base/stop.hpp"

namespace maxdot::measure {
namespace {

using evaluate::Values;

// Between two looks whether the call shall end.
constexpr std::size_t kUsersPerLook = 16'384;

constexpr std::array kFields = {&Values::recall, &Values::hit, &Values::precision,
                                &Values::ndcg,   &Values::mrr, &Values::map};

// SplitMix64: the n-th number of a stream is a mix of seed + n * step, so streams need no state in
// common.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  /// In [0, bound), by multiplication; biased by less than bound / 2^32, far below the noise of
  /// resampling.
  std::size_t below(std::size_t bound) noexcept {
    return static_cast<std::size_t>(((next() >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }

 private:
  std::uint64_t state_;
};

/// Sums over a sample of users, one for each column.
class Sample {
 public:
  explicit Sample(const Table& table) : table_(table), sums_(table.columns) {}

  void clear() noexcept {
    std::fill(sums_.begin(), sums_.end(), Cell{});
    wanted_ = 0.0;
    users_ = 0.0;
  }

  void add(std::size_t user) noexcept {
    const Cell* cells = table_.cells.data() + user * table_.columns;
    for (std::size_t c = 0; c < table_.columns; ++c) {
      sums_[c].hits += cells[c].hits;
      for (const auto field : kFields) sums_[c].values.*field += cells[c].values.*field;
    }
    wanted_ += table_.wanted[user];
    users_ += 1.0;
  }

  Values mean(std::size_t column) const noexcept {
    Values mean;
    if (users_ == 0.0) return mean;
    for (const auto field : kFields) mean.*field = sums_[column].values.*field / users_;
    if (table_.convention == evaluate::Convention::rechub) {
      mean.hit = wanted_ == 0.0 ? 0.0 : sums_[column].hits / wanted_;
    }
    return mean;
  }

 private:
  const Table& table_;
  std::vector<Cell> sums_;
  double wanted_ = 0.0;
  double users_ = 0.0;
};

// Requires ascending values.
double quantile(const std::vector<double>& values, double share) noexcept {
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double weight = position - static_cast<double>(below);
  return values[below] + weight * (values[above] - values[below]);
}

}  // namespace

std::vector<Values> means(const Table& table) {
  Sample sample(table);
  for (std::size_t i = 0; i < table.population.size(); ++i) {
    if (i % kUsersPerLook == 0) base::throw_if_stopped();
    sample.add(table.population[i]);
  }
  std::vector<Values> result;
  for (std::size_t c = 0; c < table.columns; ++c) result.push_back(sample.mean(c));
  return result;
}

Intervals bootstrap(const Table& table, std::size_t resamples, double confidence,
                    std::uint64_t seed, int threads) {
  std::vector<Values> drawn(resamples * table.columns);
  std::vector<Sample> samples(static_cast<std::size_t>(threads), Sample(table));
  base::parallel_for(resamples, threads, [&](std::size_t resample, int worker) noexcept {
    Random random(Random(seed ^ (resample * 0xd1342543de82ef95U)).next());
    Sample& sample = samples[static_cast<std::size_t>(worker)];
    sample.clear();
    const std::size_t users = table.population.size();
    for (std::size_t i = 0; i < users; ++i) {
      if (i % kUsersPerLook == 0 && base::stop_requested()) return;
      sample.add(table.population[random.below(users)]);
    }
    for (std::size_t c = 0; c < table.columns; ++c)
      drawn[resample * table.columns + c] = sample.mean(c);
  });
  Intervals intervals{std::vector<Values>(table.columns), std::vector<Values>(table.columns)};
  std::vector<double> values(resamples);
  for (std::size_t c = 0; c < table.columns; ++c) {
    for (const auto field : kFields) {
      for (std::size_t r = 0; r < resamples; ++r) values[r] = drawn[r * table.columns + c].*field;
      std::sort(values.begin(), values.end());
      intervals.low[c].*field = quantile(values, (1.0 - confidence) / 2.0);
      intervals.high[c].*field = quantile(values, (1.0 + confidence) / 2.0);
    }
  }
  return intervals;
}

}  // namespace maxdot::measure
