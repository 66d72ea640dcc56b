// The kernels that scan items, each alone, on every instruction set of this machine, on one core.
//
//   bench_kernels --benchmark_filter=code8
//
// "batch" kernels work on one tile in the cache and are limited by arithmetic; "stream" kernels
// read tiles from memory and are limited by it. Nothing survives a screen here. of_arithmetic and
// of_memory are shares, in percent, of what the machine can do at most, which is measured first
// (ceilings.hpp); they are left out where a ceiling is unknown.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "ceilings.hpp"
#include "kernels/kernels.hpp"
#include "store/layout.hpp"

namespace {

using namespace maxdot;
using kernels::KernelTable;
using kernels::kTileItems;

constexpr std::size_t kDimension = 128;
constexpr std::size_t kQuads = store::quads_of(kDimension);
constexpr std::size_t kPlaneBytes = store::plane_tile_bytes(kDimension);
constexpr std::size_t kLowBytes = store::low_tile_bytes(kDimension);
constexpr std::size_t kFineBytes = kPlaneBytes + kLowBytes;
constexpr std::size_t kQueryStride = kQuads * store::kQuadDimensions;
constexpr std::size_t kBatch = 192;
// More than a last-level cache holds.
constexpr std::size_t kMemoryBytes = std::size_t{1} << 30;
// How far ahead the engine prefetches tiles of 4-bit codes (search/scan/code_scan.cpp).
constexpr std::size_t kTilesAhead = 16;

/// Of one kernel table.
struct Arithmetic {
  double bytes = 0.0;
  double narrow = 0.0;
  double f32 = 0.0;
};

const Arithmetic& arithmetic(const KernelTable& table) {
  static std::map<std::string, Arithmetic> measured;
  const auto [place, fresh] = measured.try_emplace(table.name);
  if (fresh) {
    place->second = {bench::byte_dot_ceiling(table.name), bench::narrow_ceiling(table.name),
                     bench::f32_ceiling(table.name)};
  }
  return place->second;
}

double& memory_ceiling() {
  static double measured = 0.0;
  return measured;
}

const base::AlignedBuffer<unsigned char>& memory() {
  static const base::AlignedBuffer<unsigned char> buffer = [] {
    base::AlignedBuffer<unsigned char> bytes(kMemoryBytes, "items to stream");
    // As codes and as floats: finite, small, and the same for every item.
    std::fill(bytes.data(), bytes.data() + bytes.size(), static_cast<unsigned char>(0x33));
    return bytes;
  }();
  return buffer;
}

class Watch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What one iteration did, as rates. Shares are no counters of the kind that is divided by time:
/// those print as "per second".
struct Work {
  std::size_t items;
  std::size_t queries;
  std::size_t bytes;
  double arithmetic_ceiling;
  bool from_memory;

  void count(benchmark::State& state, double seconds) const {
    const double macs = static_cast<double>(items * queries * kDimension);
    const double times_per_second = static_cast<double>(state.iterations()) / seconds;
    state.counters["GMAC/s"] =
        benchmark::Counter(macs * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
    if (arithmetic_ceiling > 0) {
      state.counters["of_arithmetic"] = 100 * macs * times_per_second / arithmetic_ceiling;
    }
    if (from_memory) {
      state.counters["of_memory"] =
          100 * static_cast<double>(bytes) * times_per_second / memory_ceiling();
    }
  }
};

/// What the code kernels are called with: thresholds that no product reaches.
struct CodeQueries {
  explicit CodeQueries(std::size_t count)
      : codes(count * kQueryStride, 5),
        start(count, 0),
        limits(count, 1 << 30),
        masks(count),
        dots(count * kTileItems) {}
  std::vector<std::int8_t> codes;
  std::vector<std::int32_t> start;
  std::vector<std::int32_t> limits;
  std::vector<std::uint64_t> masks;
  std::vector<std::int32_t> dots;
};

struct FloatQueries {
  explicit FloatQueries(std::size_t count)
      : values(count * kDimension, "queries"),
        bias(count, 0.0F),
        threshold(count, 1e30F),
        masks(count) {
    std::fill(values.data(), values.data() + values.size(), 0.5F);
    std::fill_n(terms.scale, kTileItems, 1.0F);
    std::fill_n(terms.bias, kTileItems, 0.0F);
    std::fill_n(terms.slack, kTileItems, 0.0F);
  }
  base::AlignedBuffer<float> values;
  std::vector<float> bias;
  std::vector<float> threshold;
  std::vector<std::uint64_t> masks;
  kernels::TileTerms terms;
};

void f32_batch(benchmark::State& state, const KernelTable& table) {
  base::AlignedBuffer<float> panel(kTileItems * kDimension, "panel");
  FloatQueries q(kBatch);
  const Watch watch;
  for (auto _ : state) {
    table.pack_panel[0](memory().data(), kTileItems, kDimension, panel.data());
    table.screen_panel(panel.data(), kDimension, q.values.data(), kDimension, kBatch, q.terms,
                       q.bias.data(), q.threshold.data(), q.masks.data());
    benchmark::DoNotOptimize(q.masks.data());
  }
  Work{kTileItems, kBatch, kTileItems * kDimension * sizeof(float), arithmetic(table).f32, false}
      .count(state, watch.seconds());
}

void f32_stream(benchmark::State& state, const KernelTable& table) {
  FloatQueries q(1);
  constexpr std::size_t kTileBytes = kTileItems * kDimension * sizeof(float);
  constexpr std::size_t kTiles = kMemoryBytes / kTileBytes;
  std::uint64_t survivors = 0;
  const Watch watch;
  for (auto _ : state) {
    for (std::size_t t = 0; t < kTiles; ++t) {
      survivors |= table.screen_rows[0](memory().data() + t * kTileBytes, kTileItems, kDimension,
                                        q.values.data(), q.terms, q.bias[0], q.threshold[0]);
    }
    benchmark::DoNotOptimize(survivors);
  }
  Work{kTiles * kTileItems, 1, kTiles * kTileBytes, arithmetic(table).f32, true}.count(
      state, watch.seconds());
}

void code4_stream(benchmark::State& state, const KernelTable& table) {
  const auto queries = static_cast<std::size_t>(state.range(0));
  CodeQueries q(queries);
  constexpr std::size_t kTiles = kMemoryBytes / kPlaneBytes;
  const Watch watch;
  for (auto _ : state) {
    for (std::size_t t = 0; t < kTiles; ++t) {
      const std::size_t later = std::min(t + kTilesAhead, kTiles - 1);
      table.codes.stream_codes(memory().data() + t * kPlaneBytes,
                               memory().data() + later * kPlaneBytes, kQuads, q.codes.data(),
                               kQueryStride, queries, q.start.data(), q.limits.data(),
                               q.masks.data(), q.dots.data());
    }
    benchmark::DoNotOptimize(q.masks.data());
  }
  Work{kTiles * kTileItems, queries, kTiles * kPlaneBytes, arithmetic(table).bytes, true}.count(
      state, watch.seconds());
}

void code8_batch(benchmark::State& state, const KernelTable& table) {
  base::AlignedBuffer<std::uint8_t> tile(kQuads * 256, "expanded tile");
  CodeQueries q(kBatch);
  table.codes.begin();
  const Watch watch;
  for (auto _ : state) {
    table.codes.expand_fine(memory().data(), memory().data() + kPlaneBytes, kQuads, tile.data());
    table.codes.screen_codes(tile.data(), kQuads, q.codes.data(), kQueryStride, kBatch,
                             q.start.data(), q.limits.data(), {tile.data(), tile.data(), 0},
                             q.masks.data(), q.dots.data());
    benchmark::DoNotOptimize(q.masks.data());
  }
  table.codes.end();
  Work{kTileItems, kBatch, kFineBytes, arithmetic(table).bytes, false}.count(state,
                                                                             watch.seconds());
}

/// The upper bits of the codes, where a table has kernels for them.
void narrow_batch(benchmark::State& state, const KernelTable& table) {
  const auto bits = static_cast<int>(state.range(0));
  base::AlignedBuffer<std::uint8_t> tile(kQuads * 256, "expanded tile");
  CodeQueries q(kBatch);
  const Watch watch;
  for (auto _ : state) {
    table.codes.narrow.expand(memory().data(), memory().data() + kPlaneBytes, kQuads, bits,
                              tile.data());
    table.codes.narrow.screen(tile.data(), kQuads, bits, q.codes.data(), kQueryStride, kBatch,
                              q.limits.data(), {tile.data(), tile.data(), 0}, q.masks.data(),
                              q.dots.data());
    benchmark::DoNotOptimize(q.masks.data());
  }
  Work{kTileItems, kBatch, kFineBytes, arithmetic(table).narrow, false}.count(state,
                                                                              watch.seconds());
}

/// 16 queries, so few that reading all codes counts.
void code8_stream(benchmark::State& state, const KernelTable& table) {
  constexpr std::size_t kQueries = 16;
  base::AlignedBuffer<std::uint8_t> tile(kQuads * 256, "expanded tile");
  CodeQueries q(kQueries);
  constexpr std::size_t kTiles = kMemoryBytes / kFineBytes;
  const unsigned char* high = memory().data();
  const unsigned char* low = high + kTiles * kPlaneBytes;
  table.codes.begin();
  const Watch watch;
  for (auto _ : state) {
    for (std::size_t t = 0; t < kTiles; ++t) {
      table.codes.expand_fine(high + t * kPlaneBytes, low + t * kLowBytes, kQuads, tile.data());
      table.codes.screen_codes(tile.data(), kQuads, q.codes.data(), kQueryStride, kQueries,
                               q.start.data(), q.limits.data(), {tile.data(), tile.data(), 0},
                               q.masks.data(), q.dots.data());
    }
    benchmark::DoNotOptimize(q.masks.data());
  }
  table.codes.end();
  Work{kTiles * kTileItems, kQueries, kTiles * kFineBytes, arithmetic(table).bytes, true}.count(
      state, watch.seconds());
}

std::string giga(double rate, const char* unit) { return std::to_string(rate * 1e-9) + unit; }

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::vector<const KernelTable*> tables = kernels::runnable_tables();
  for (const KernelTable* table : tables) {
    // The reference would take minutes, and its speed is nobody's concern where there is another.
    if (table == tables.back() && tables.size() > 1) continue;
    const auto add = [table](const std::string& kernel, auto* run) {
      return benchmark::RegisterBenchmark((kernel + "/" + table->name).c_str(), run, *table)
          ->UseRealTime();
    };
    add("f32_batch", f32_batch);
    add("f32_stream", f32_stream)->Unit(benchmark::kMillisecond);
    add("code4_stream", code4_stream)
        ->ArgName("queries")
        ->Arg(1)
        ->Arg(2)
        ->Unit(benchmark::kMillisecond);
    add("code8_batch", code8_batch);
    if (table->codes.narrow.screen != nullptr) {
      add("narrow_batch", narrow_batch)
          ->ArgName("bits")
          ->DenseRange(kernels::kFewestNarrowBits, kernels::kMostNarrowBits);
    }
    add("code8_stream", code8_stream)->Unit(benchmark::kMillisecond);
  }
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (int i = 0; i < 5; ++i) {
    memory_ceiling() =
        std::max(memory_ceiling(), bench::read_ceiling(memory().data(), memory().size()));
  }
  benchmark::AddCustomContext("memory ceiling",
                              giga(memory_ceiling(), " GB/s, sequential read by one core"));
  for (const KernelTable* table : tables) {
    const Arithmetic& most = arithmetic(*table);
    if (most.f32 == 0.0) continue;
    std::string text = giga(most.bytes, " GMAC/s of bytes, ");
    if (most.narrow > 0.0) text += giga(most.narrow, " of narrow codes, ");
    text += giga(most.f32, " of f32");
    benchmark::AddCustomContext("arithmetic ceiling of " + std::string(table->name), text);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
