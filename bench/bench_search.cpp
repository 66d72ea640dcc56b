// A whole search beside FAISS IndexFlatIP: the same rows, queries, k and threads, in one process.
//
//   bench_search --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
//
// MAXDOT_BENCH_ITEMS=items.npy searches a file instead of 200,000 x 100 Gaussian rows. Set
// OMP_WAIT_POLICY=PASSIVE: FAISS and OpenBLAS are then at their best.

#include <benchmark/benchmark.h>
#include <omp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data.hpp"
#include "maxdot/maxdot.hpp"

#if defined(MAXDOT_HAVE_FAISS)
#include <faiss/IndexFlat.h>
#endif

namespace {

using maxdot::bench::Data;

const Data& data() {
  static const Data loaded = maxdot::bench::load(200000, 100, 1024);
  return loaded;
}

const maxdot::Index& index() {
  static const maxdot::Index built =
      maxdot::Index::build(maxdot::MatrixView::f32(data().items.data(), data().n, data().d),
                           {.metric = maxdot::Metric::dot});
  return built;
}

void count(benchmark::State& state, std::size_t queries) {
  const double macs =
      static_cast<double>(queries) * static_cast<double>(data().n) * static_cast<double>(data().d);
  state.counters["GMAC/s"] = benchmark::Counter(
      macs * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void search_maxdot(benchmark::State& state) {
  const auto queries = static_cast<std::size_t>(state.range(0));
  const auto k = static_cast<std::size_t>(state.range(1));
  std::vector<std::int64_t> ids(queries * k);
  std::vector<double> scores(queries * k);
  std::size_t first = 0;
  for (auto _ : state) {
    index().search_into(
        maxdot::MatrixView::f32(&data().queries[first * data().d], queries, data().d), k,
        {ids.data(), scores.data(), nullptr}, {.threads = static_cast<int>(state.range(2))});
    benchmark::DoNotOptimize(ids.data());
    first = (first + queries) % (data().nq - queries + 1);
  }
  count(state, queries);
}

#if defined(MAXDOT_HAVE_FAISS)
const faiss::IndexFlatIP& faiss_index() {
  static const std::unique_ptr<faiss::IndexFlatIP> built = [] {
    auto flat = std::make_unique<faiss::IndexFlatIP>(static_cast<faiss::Index::idx_t>(data().d));
    flat->add(static_cast<faiss::Index::idx_t>(data().n), data().items.data());
    return flat;
  }();
  return *built;
}

void search_faiss(benchmark::State& state) {
  const auto queries = static_cast<std::size_t>(state.range(0));
  const auto k = static_cast<std::size_t>(state.range(1));
  std::vector<faiss::Index::idx_t> ids(queries * k);
  std::vector<float> scores(queries * k);
  omp_set_num_threads(static_cast<int>(state.range(2)));
  std::size_t first = 0;
  for (auto _ : state) {
    faiss_index().search(static_cast<faiss::Index::idx_t>(queries),
                         &data().queries[first * data().d], static_cast<faiss::Index::idx_t>(k),
                         scores.data(), ids.data());
    benchmark::DoNotOptimize(ids.data());
    first = (first + queries) % (data().nq - queries + 1);
  }
  count(state, queries);
}
#endif

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"queries", "k", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int threads : {1, 2}) {
    for (const int queries : {1, 4, 16, 64, 256, 1024}) {
      for (const int k : {10, 100}) bench->Args({queries, k, threads});
    }
  }
}

BENCHMARK(search_maxdot)->Apply(shapes);
#if defined(MAXDOT_HAVE_FAISS)
BENCHMARK(search_faiss)->Apply(shapes);
#endif

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  // Both indexes exist before the first measured call.
  index();
#if defined(MAXDOT_HAVE_FAISS)
  faiss_index();
#endif
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
