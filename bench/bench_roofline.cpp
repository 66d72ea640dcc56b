// How close to the hardware: both ceilings and what is reached of them, measured in one run, on one
// core.
//
//   bench_roofline            1,000,000 x 128 Gaussian unit rows, or MAXDOT_BENCH_ITEMS=items.npy
//
// Prints: the batch kernel alone and a whole search of 2,048 queries against the arithmetic
// ceiling, one query against the memory ceiling for the bytes that it must read.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "ceilings.hpp"
#include "data.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/maxdot.hpp"
#include "store/layout.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kQueries = 2048;
constexpr std::size_t kK = 10;

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

double seconds(auto&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median_seconds(int repeats, auto&& work) {
  work();
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) times.push_back(seconds(work));
  return median(times);
}

/// Multiply-accumulates per second of the batch kernel that a search for kK results uses, on one
/// tile and a block of queries, with nothing surviving.
double kernel_rate(std::size_t d) {
  const kernels::CodeKernels& codes = kernels::active_table().codes;
  const std::size_t quads = store::quads_of(d);
  constexpr std::size_t kBlock = 192;
  constexpr int kBits = 5;
  const std::size_t stride =
      (d + codes.query_padding - 1) / codes.query_padding * codes.query_padding;
  base::AlignedBuffer<std::uint8_t> tile(store::expanded_tile_bytes(d), "tile");
  base::AlignedBuffer<std::int8_t> queries(kBlock * stride, "queries");
  std::fill(tile.data(), tile.data() + tile.size(), std::uint8_t{3});
  std::fill(queries.data(), queries.data() + queries.size(), std::int8_t{5});
  std::vector<std::int32_t> start(kBlock, 0);
  std::vector<std::int32_t> limits(kBlock, 1 << 30);
  std::vector<std::uint64_t> masks(kBlock);
  std::vector<std::int32_t> dots(kBlock * kernels::kTileItems);
  constexpr int kTiles = 2000;
  const kernels::CodesAhead ahead = {tile.data(), tile.data(), 0};
  codes.begin();
  const double took = median_seconds(9, [&] {
    for (int i = 0; i < kTiles; ++i) {
      if (codes.narrow.screen != nullptr) {
        codes.narrow.screen(tile.data(), quads, kBits, queries.data(), stride, kBlock,
                            limits.data(), ahead, masks.data(), dots.data());
      } else {
        codes.screen_codes(tile.data(), quads, queries.data(), stride, kBlock, start.data(),
                           limits.data(), ahead, masks.data(), dots.data());
      }
    }
  });
  codes.end();
  return kTiles * static_cast<double>(kBlock * kernels::kTileItems * d) / took;
}

double arithmetic_ceiling() {
  const char* table = kernels::active_table().name;
  return std::max(bench::byte_dot_ceiling(table), bench::narrow_ceiling(table));
}

void print_arithmetic(const char* what, double rate, double roof) {
  std::printf("  %-38s%8.1f GMAC/s", what, rate * 1e-9);
  if (roof > 0.0) std::printf("   %5.1f %%", 100 * rate / roof);
  std::printf("\n");
}

}  // namespace

int main() {
  const bench::Data data = bench::load(1'000'000, 128, kQueries);
  const Index index =
      Index::build(MatrixView::f32(data.items.data(), data.n, data.d), {.metric = Metric::dot});
  const double macs = static_cast<double>(data.n) * static_cast<double>(data.d);

  SearchStats stats;
  const double arithmetic = arithmetic_ceiling();
  const double kernel = kernel_rate(data.d);
  const double batch = median_seconds(3, [&] {
    (void)index.search(MatrixView::f32(data.queries.data(), kQueries, data.d), kK, {.threads = 1});
  });
  const double roof = std::max(arithmetic, arithmetic_ceiling());

  // One query from DRAM: between two searches a buffer on huge pages, larger than most caches, is
  // read, which measures the memory ceiling and evicts the codes.
  base::AlignedBuffer<unsigned char> big(std::size_t{1} << 30, "memory to read");
  std::fill(big.data(), big.data() + big.size(), static_cast<unsigned char>(1));
  std::vector<double> rates;
  std::vector<double> times;
  for (std::size_t q = 0; q < 21; ++q) {
    rates.push_back(bench::read_ceiling(big.data(), big.size()));
    const MatrixView query = MatrixView::f32(&data.queries[q * data.d], 1, data.d);
    times.push_back(
        seconds([&] { (void)index.search(query, kK, {.threads = 1, .stats = &stats}); }));
  }
  const double memory = median(rates);
  const double one = median(times);
  const double warm = median_seconds(21, [&] {
    (void)index.search(MatrixView::f32(data.queries.data(), 1, data.d), kK, {.threads = 1});
  });

  std::printf("kernels %s, %zu x %zu, k = %zu, one core\n", kernel_name(), data.n, data.d, kK);
  if (roof > 0.0) {
    std::printf("arithmetic ceiling (codes in registers) %8.1f GMAC/s   (f32 FMA: %.1f)\n",
                roof * 1e-9, bench::f32_ceiling(kernels::active_table().name) * 1e-9);
  } else {
    std::printf("arithmetic: no ceiling is measured for these kernels\n");
  }
  print_arithmetic("batch kernel alone", kernel, roof);
  print_arithmetic("search of 2,048 queries", kQueries * macs / batch, roof);
  std::printf("memory ceiling (sequential read, DRAM)  %8.2f GB/s\n", memory * 1e-9);
  std::printf(
      "  search of one query, codes in DRAM    %8.2f GB/s     %5.1f %%   (%.1f MB in %.2f ms)\n",
      static_cast<double>(stats.bytes_read) / one * 1e-9,
      100 * static_cast<double>(stats.bytes_read) / one / memory,
      static_cast<double>(stats.bytes_read) * 1e-6, one * 1e3);
  std::printf("  the same from the last-level cache    %8.2f GB/s               (%.2f ms)\n",
              static_cast<double>(stats.bytes_read) / warm * 1e-9, warm * 1e3);
  return 0;
}
