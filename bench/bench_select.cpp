// TopK, which keeps the k best of what the screens let through: 1,000,000 offers, and offers per
// second.
//
//   bench_select
//
// "random": keys in random order, nearly all refused by one comparison. "ascending": each is the
// best so far, so each is taken and the buffer is cut as often as it can be: the worst order.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "search/collect/top_k.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kOffers = 1'000'000;

std::vector<search::Entry> random_entries() {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal;
  std::vector<search::Entry> entries(kOffers);
  for (std::size_t i = 0; i < kOffers; ++i)
    entries[i] = {normal(engine), static_cast<std::int64_t>(i)};
  return entries;
}

std::vector<search::Entry> ascending_entries() {
  std::vector<search::Entry> entries = random_entries();
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return search::Better()(b, a); });
  return entries;
}

void select(benchmark::State& state, const std::vector<search::Entry>& entries) {
  const auto k = static_cast<std::size_t>(state.range(0));
  std::vector<search::Entry> memory(search::TopK::room(k));
  for (auto _ : state) {
    search::TopK best(memory.data(), k);
    for (const search::Entry& entry : entries) best.offer(entry);
    benchmark::DoNotOptimize(best.bound());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kOffers));
}

void ks(benchmark::internal::Benchmark* bench) {
  bench->ArgName("k")->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(select, random, random_entries())->Apply(ks);
BENCHMARK_CAPTURE(select, ascending, ascending_entries())->Apply(ks);

}  // namespace

BENCHMARK_MAIN();
