// Measures a tuning record (engine/search/plan/tuning.hpp) on this machine: tries other values of
// each constant, keeps what is faster, and prints the record that it ends with.
//
//   bench_tune             500,000 x 96 Gaussian rows, or the file that MAXDOT_BENCH_ITEMS names
//   MAXDOT_ISA=avx2 bench_tune
//
// Both records are timed in turn on the searches that the constant touches. A value is kept if the
// geometric mean of the ratios is at least kGain, no search is below kLoss, and a second
// measurement, which chose nothing, agrees. A minute or some; nothing else should run.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "data.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/maxdot.hpp"
#include "search/plan/tuning.hpp"

namespace {

using namespace maxdot;
using search::Tuning;

constexpr std::size_t kQueries = 1024;
constexpr int kRounds = 9;
constexpr double kGain = 1.02;
constexpr double kLoss = 0.98;
/// Calls of a round are repeated until they have taken so long.
constexpr double kLeastSeconds = 0.01;

struct Shape {
  std::size_t queries;
  std::size_t k;
  int threads;
};

/// What is tried for a constant, on which searches. A constant that other data than these decide
/// (small catalogues, large k, rows that defeat the codes) is not here: `make bench-worst`.
struct Trial {
  std::size_t Tuning::*field;
  std::vector<std::size_t> values;
  std::vector<Shape> shapes;
};

const std::vector<Shape> kOne = {{1, 10, 1}, {1, 100, 1}, {1, 1000, 1}};
const std::vector<Shape> kSome = {{16, 10, 1}, {16, 100, 1}, {48, 10, 1}, {48, 100, 1}};
const std::vector<Shape> kMany = {{256, 10, 1}, {256, 100, 1}, {1024, 10, 1}};
const std::vector<Shape> kBatches = {{16, 10, 1}, {16, 100, 1}, {256, 10, 1}, {256, 100, 1}};

std::vector<Trial> trials() {
  return {
      {&Tuning::coarse_queries, {1, 2, 4, 8}, {{2, 100, 1}, {4, 100, 1}, {8, 100, 1}}},
      {&Tuning::coarse_queries_for_few, {2, 4, 8, 16}, {{4, 10, 1}, {8, 10, 1}, {16, 10, 1}}},
      {&Tuning::coarse_results, {10, 32, 100}, {{4, 20, 1}, {4, 50, 1}, {4, 100, 1}}},
      {&Tuning::items_per_result_six_of_few, {1000, 2000, 4000, 8000}, kSome},
      {&Tuning::items_per_result_five, {1000, 2000, 4000, 8000}, kMany},
      {&Tuning::items_per_result_six,
       {300, 500, 1000, 2000},
       {{256, 300, 1}, {256, 1000, 1}, {1024, 300, 1}}},
      {&Tuning::code_block, {64, 128, 256, 512}, kMany},
      {&Tuning::tasks_of_few, {1, 2, 4}, {{1, 10, 2}, {1, 100, 2}, {2, 10, 2}}},
      {&Tuning::tasks, {2, 4, 8}, {{16, 10, 2}, {64, 100, 2}, {1024, 10, 2}}},
      {&Tuning::large_batch, {24, 64, 128}, {{32, 10, 1}, {48, 100, 1}, {96, 10, 1}, {96, 100, 1}}},
      {&Tuning::sample_step, {8, 16, 32, 64}, kBatches},
      {&Tuning::sparse_step, {16, 32, 48, 96}, kOne},
      {&Tuning::deferred_coarse, {1024, 4096, 16384}, kOne},
      {&Tuning::deferred, {128, 512, 2048}, kSome},
      {&Tuning::deferred_per_result, {3, 6, 12}, kSome},
      {&Tuning::coarse_tiles_ahead, {4, 8, 16, 32}, kOne},
      {&Tuning::fine_tiles_ahead, {1, 2, 4, 8}, kBatches},
  };
}

/// Whether the constant decides when narrow codes are read; not every table has kernels for them.
bool only_narrow(const Trial& trial) {
  return trial.field == &Tuning::items_per_result_five ||
         trial.field == &Tuning::items_per_result_six ||
         trial.field == &Tuning::items_per_result_six_of_few;
}

const char* name_of(std::size_t Tuning::*field) {
  for (const search::TuningField& named : search::tuning_fields) {
    if (named.value == field) return named.name;
  }
  return "unknown";
}

class Measured {
 public:
  Measured()
      : data_(bench::load(500000, 96, kQueries)),
        index_(Index::build(MatrixView::f32(data_.items.data(), data_.n, data_.d),
                            {.metric = Metric::dot})) {}

  const bench::Data& data() const { return data_; }

  /// How many times as fast the searches are with `other` as with `tuning`: the geometric mean and
  /// the lowest, each a median of rounds.
  struct Ratio {
    double mean;
    double lowest;
  };
  Ratio compare(const Tuning& tuning, const Tuning& other, const std::vector<Shape>& shapes) {
    double logs = 0.0;
    double lowest = HUGE_VAL;
    for (const Shape& shape : shapes) {
      std::vector<double> ratios;
      for (int round = -1; round < kRounds; ++round) {
        const bool first = round % 2 == 0;
        const double one = seconds(first ? tuning : other, shape);
        const double two = seconds(first ? other : tuning, shape);
        if (round >= 0) ratios.push_back(first ? one / two : two / one);  // the first one warms
      }
      std::nth_element(ratios.begin(), ratios.begin() + kRounds / 2, ratios.end());
      logs += std::log(ratios[kRounds / 2]);
      lowest = std::min(lowest, ratios[kRounds / 2]);
    }
    return {std::exp(logs / static_cast<double>(shapes.size())), lowest};
  }

 private:
  double seconds(const Tuning& tuning, const Shape& shape) {
    search::force_tuning(&tuning);
    std::vector<std::int64_t> ids(shape.queries * shape.k);
    std::vector<double> scores(ids.size());
    double total = 0.0;
    std::size_t calls = 0;
    while (total < kLeastSeconds) {
      const std::size_t row = calls * shape.queries % (kQueries - shape.queries + 1);
      const MatrixView queries =
          MatrixView::f32(&data_.queries[row * data_.d], shape.queries, data_.d);
      const auto begin = std::chrono::steady_clock::now();
      index_.search_into(queries, shape.k, {ids.data(), scores.data(), nullptr},
                         {.threads = shape.threads});
      total += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      ++calls;
    }
    search::force_tuning(nullptr);
    return total / static_cast<double>(calls);
  }

  bench::Data data_;
  Index index_;
};

/// The record with the best of the trial's values.
Tuning tried(Measured& measured, const Tuning& tuning, const Trial& trial) {
  Tuning best = tuning;
  double best_gain = kGain;
  std::printf("%-24s %6zu ", name_of(trial.field), tuning.*trial.field);
  for (const std::size_t value : trial.values) {
    if (value == tuning.*trial.field) continue;
    Tuning other = tuning;
    other.*trial.field = value;
    const Measured::Ratio ratio = measured.compare(tuning, other, trial.shapes);
    std::printf("  %zu: %.3f (%.3f)", value, ratio.mean, ratio.lowest);
    std::fflush(stdout);
    if (ratio.mean < best_gain || ratio.lowest < kLoss) continue;
    best = other;
    best_gain = ratio.mean;
  }
  if (best.*trial.field != tuning.*trial.field) {
    const Measured::Ratio again = measured.compare(tuning, best, trial.shapes);
    const bool keep = again.mean >= kGain && again.lowest >= kLoss;
    std::printf("  -> %zu again: %.3f (%.3f), %s", best.*trial.field, again.mean, again.lowest,
                keep ? "kept" : "not kept");
    if (!keep) best = tuning;
  }
  std::printf("\n");
  return best;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 1) {
    const bool help = std::string_view(arguments[1]) == "--help";
    std::fprintf(
        help ? stdout : stderr,
        "bench_tune: measures a tuning record on this machine, in some minutes, and prints "
        "it.\n  MAXDOT_BENCH_ITEMS=items.npy MAXDOT_ISA=avx2 bench_tune\n");
    return help ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  const kernels::KernelTable& table = kernels::active_table();
  const Tuning shipped = search::tuning_of(table);
  Measured measured;
  std::printf(
      "%s, %zu x %zu; ratios above 1: faster than the value in front; in brackets the lowest "
      "search\n",
      table.name, measured.data().n, measured.data().d);
  Tuning found = shipped;
  std::vector<Shape> all;
  for (const Trial& trial : trials()) {
    if (only_narrow(trial) && table.codes.narrow.screen == nullptr) continue;
    found = tried(measured, found, trial);
    all.insert(all.end(), trial.shapes.begin(), trial.shapes.end());
  }
  std::printf("\nthe record for %s:\n", table.name);
  for (const search::TuningField& field : search::tuning_fields) {
    const bool changed = found.*field.value != shipped.*field.value;
    std::printf("    .%s = %zu,%s\n", field.name, found.*field.value,
                changed ? "  // changed" : "");
  }
  const Measured::Ratio gain = measured.compare(shipped, found, all);
  std::printf("against the shipped record: %.3f times as fast (lowest search %.3f)\n", gain.mean,
              gain.lowest);
  return EXIT_SUCCESS;
}
