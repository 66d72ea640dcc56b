// Building an index in memory: from rows to codes, norms and summaries. Bytes are those of the rows
// given.
//
//   bench_encode
//
// Rows are handed over (Index::build takes them): neither their copy nor the end of the index is
// measured.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>

#include "maxdot/maxdot.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kRows = 100'000;
constexpr std::size_t kDimension = 128;

Matrix random_rows(DType dtype) {
  Matrix rows(kRows, kDimension, dtype);
  std::mt19937_64 engine(1);
  if (dtype == DType::f32) {
    std::normal_distribution<float> normal;
    auto* values = static_cast<float*>(rows.data());
    for (std::size_t i = 0; i < kRows * kDimension; ++i) values[i] = normal(engine);
  } else {
    // Random signs and mantissas with exponents that are good numbers, 2^-4 to 2^3.
    auto* halves = static_cast<std::uint16_t*>(rows.data());
    for (std::size_t i = 0; i < kRows * kDimension; ++i) {
      const std::uint64_t bits = engine();
      halves[i] = static_cast<std::uint16_t>((bits & 0x83ff) | ((11 + (bits >> 16) % 8) << 10));
    }
  }
  return rows;
}

void encode(benchmark::State& state, DType dtype) {
  const Matrix rows = random_rows(dtype);
  const std::size_t bytes = kRows * kDimension * size_of(dtype);
  for (auto _ : state) {
    Matrix taken(kRows, kDimension, dtype);
    std::memcpy(taken.data(), rows.data(), bytes);
    const auto begin = std::chrono::steady_clock::now();
    const Index index =
        Index::build(std::move(taken), {.threads = static_cast<int>(state.range(0))});
    state.SetIterationTime(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    benchmark::DoNotOptimize(index.size());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void threads(benchmark::internal::Benchmark* bench) {
  bench->ArgName("threads")->Arg(1)->Arg(2)->UseManualTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(encode, f32, DType::f32)->Apply(threads);
BENCHMARK_CAPTURE(encode, f16, DType::f16)->Apply(threads);

}  // namespace

BENCHMARK_MAIN();
