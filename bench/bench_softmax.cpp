// The full softmax beside top-10 searches, as planned and by the f32 scan: the same rows, queries
// and threads, in one process. The softmax reads f32 rows, so the f32 scan is what it can be held
// against.
//
//   bench_softmax --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
//
// MAXDOT_BENCH_ITEMS=items.npy uses a file instead of 200,000 x 128 Gaussian rows. The peak memory
// of the process is printed at the end (the f32 scan has the rows a second time).

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <vector>

#include "data.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/maxdot.hpp"
#include "maxdot/objective.hpp"
#include "search/search.hpp"
#include "store/encode.hpp"

namespace {

using maxdot::bench::Data;

const Data& data() {
  static const Data loaded = maxdot::bench::load(200000, 128, 10000);
  return loaded;
}

const maxdot::Index& index() {
  static const maxdot::Index built =
      maxdot::Index::build(maxdot::MatrixView::f32(data().items.data(), data().n, data().d),
                           {.metric = maxdot::Metric::dot});
  return built;
}

maxdot::MatrixView queries(const benchmark::State& state) {
  return maxdot::MatrixView::f32(data().queries.data(), static_cast<std::size_t>(state.range(0)),
                                 data().d);
}

void count(benchmark::State& state) {
  const double macs =
      static_cast<double>(state.range(0)) * static_cast<double>(data().n * data().d);
  state.counters["GMAC/s"] = benchmark::Counter(
      macs * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void top_10(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        index().search(queries(state), 10, {.threads = static_cast<int>(state.range(1))}));
  }
  count(state);
}

void top_10_f32(benchmark::State& state) {
  static const auto items = [] {
    maxdot::Matrix rows(data().n, data().d, maxdot::DType::f32);
    std::copy(data().items.begin(), data().items.end(), static_cast<float*>(rows.data()));
    return maxdot::store::encode(std::move(rows), {maxdot::Metric::dot, false, {}, 2},
                                 maxdot::kernels::active_table());
  }();
  const maxdot::MatrixView asked = queries(state);
  std::vector<std::int64_t> ids(asked.rows * 10);
  std::vector<double> scores(asked.rows * 10);
  for (auto _ : state) {
    maxdot::search::search(*items, maxdot::kernels::active_table(),
                           {asked, 10, maxdot::Metric::dot, static_cast<int>(state.range(1)),
                            nullptr, maxdot::search::Method::f32},
                           {ids.data(), scores.data(), nullptr});
    benchmark::DoNotOptimize(ids.data());
  }
  count(state);
}

void log_partition(benchmark::State& state) {
  std::vector<double> out(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    maxdot::objective::log_partition(
        index(), queries(state), out,
        {.temperature = 0.05, .threads = static_cast<int>(state.range(1))});
    benchmark::DoNotOptimize(out.data());
  }
  count(state);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"queries", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int threads : {1, 2}) {
    for (const int queries : {1, 16, 256, 1024, 10000}) bench->Args({queries, threads});
  }
}

BENCHMARK(top_10)->Apply(shapes);
BENCHMARK(top_10_f32)->Apply(shapes);
BENCHMARK(log_partition)->Apply(shapes);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  index();
  benchmark::RunSpecifiedBenchmarks();
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << "peak memory " << usage.ru_maxrss / 1024 << " MiB\n";
  return 0;
}
