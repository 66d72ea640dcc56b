// Data that defeats the codes: how much the attempt costs beside a plain f32 scan. Alternating,
// medians of ratios.
//
//   bench_worst            200,000 x 64 rows of each kind

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"
#include "maxdot/maxdot.hpp"
#include "search/search.hpp"
#include "store/encode.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kItems = 200'000;
constexpr std::size_t kDimension = 64;
constexpr std::size_t kQueries = 256;

std::vector<float> gaussian(std::size_t count, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(engine);
  return values;
}

/// Rows of one kind; queries are Gaussian.
std::vector<float> rows_of(const std::string& kind) {
  std::vector<float> rows = gaussian(kItems * kDimension, 1);
  const std::vector<float> center = gaussian(kDimension, 2);
  for (std::size_t r = 0; r < kItems; ++r) {
    float* row = &rows[r * kDimension];
    for (std::size_t j = 0; j < kDimension; ++j) {
      if (kind == "constant") row[j] = 0.5F;
      if (kind == "duplicates") row[j] = rows[r % 50 * kDimension + j];
      if (kind == "one tight cluster") row[j] = center[j] + 1e-4F * row[j];
      if (kind == "one cluster") row[j] = center[j] + 0.1F * row[j];
    }
  }
  return rows;
}

double seconds(const store::ItemStore& items, const MatrixView& queries, std::size_t k, int threads,
               std::optional<search::Method> method) {
  std::vector<std::int64_t> ids(queries.rows * k);
  std::vector<double> scores(queries.rows * k);
  const auto begin = std::chrono::steady_clock::now();
  search::search(items, kernels::active_table(),
                 {queries, k, Metric::dot, threads, nullptr, method},
                 {ids.data(), scores.data(), nullptr});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

int main() {
  const std::vector<float> asked = gaussian(kQueries * kDimension, 3);
  std::printf("%-18s %8s %8s %12s %12s %8s\n", "rows", "queries", "k", "f32 ms", "planned ms",
              "ratio");
  for (const std::string kind :
       {"gaussian", "constant", "duplicates", "one tight cluster", "one cluster"}) {
    const std::vector<float> rows = rows_of(kind);
    Matrix copy(kItems, kDimension, DType::f32);
    std::copy(rows.begin(), rows.end(), static_cast<float*>(copy.data()));
    const auto items =
        store::encode(std::move(copy), {Metric::dot, false, {}, 1}, kernels::active_table());
    for (const std::size_t queries : {std::size_t{1}, std::size_t{16}, kQueries}) {
      for (const std::size_t k : {std::size_t{10}, std::size_t{1000}, kItems / 2}) {
        if (k == kItems / 2 && queries == kQueries) continue;  // minutes for nothing new
        const MatrixView view = MatrixView::f32(asked.data(), queries, kDimension);
        std::vector<double> plain;
        std::vector<double> planned;
        std::vector<double> ratios;
        for (int i = 0; i < 6; ++i) {
          plain.push_back(seconds(*items, view, k, 1, search::Method::f32));
          planned.push_back(seconds(*items, view, k, 1, std::nullopt));
          if (i > 0) ratios.push_back(plain.back() / planned.back());
        }
        std::printf("%-18s %8zu %8zu %12.2f %12.2f %8.2f\n", kind.c_str(), queries, k,
                    1e3 * median(plain), 1e3 * median(planned), median(ratios));
        std::fflush(stdout);
      }
    }
  }
  return 0;
}
