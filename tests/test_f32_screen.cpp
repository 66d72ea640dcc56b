// The f32 screen's bound, attacked: an item whose own key is the threshold must survive, on every instruction set.
// docs/exactness.md has the proof.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/kernels.hpp"
#include "bounds/f32_bound.hpp"
#include "bounds/prepared_queries.hpp"
#include "store/encode.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

struct Attack {
  std::size_t offered = 0;
  std::size_t pairs = 0;    // attacked: both of them in the range of screens
  std::size_t dropped = 0;  // must be none
};

void attack(const test::Rows& rows, const test::Rows& asked, Metric metric, const kernels::KernelTable& table,
            Attack& result) {
  result.offered += rows.rows * asked.rows;
  Matrix copy(rows.rows, rows.cols, DType::f32);
  std::copy(rows.values.begin(), rows.values.end(), static_cast<float*>(copy.data()));
  const auto items = store::encode(std::move(copy), {metric, false, {}, 1}, table);
  const base::Ranking ranking = base::ranking_of(metric, false);
  const bounds::F32Bound screen(*items, ranking);
  if (!screen.usable()) return;
  std::vector<std::size_t> numbers(asked.rows);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  bounds::PreparedQueries batch;
  batch.reserve(asked.rows, asked.cols);
  batch.prepare(asked.view(), numbers, ranking, table, 1);
  const std::size_t d = rows.cols;
  base::AlignedBuffer<float> panel(d * kernels::kTileItems, "panel");
  for (std::size_t tile = 0; tile * kernels::kTileItems < rows.rows; ++tile) {
    const std::size_t first = tile * kernels::kTileItems;
    const std::size_t present = std::min(kernels::kTileItems, rows.rows - first);
    kernels::TileTerms terms;
    screen.fill(tile, terms);
    table.pack_panel[0](items->row(first), present, d, panel.data());
    for (std::size_t q = 0; q < asked.rows; ++q) {
      if (!batch.screenable(q)) continue;
      for (std::size_t i = 0; i < present; ++i) {
        const double key =
            reference::score(&asked.values[q * d], &rows.values[(first + i) * d], d, metric, false).key;
        const float threshold = batch.threshold(q, key);
        std::uint64_t by_panel = 0;
        table.screen_panel(panel.data(), d, batch.scaled(q), batch.stride(), 1, terms, batch.biases() + q, &threshold,
                           &by_panel);
        const std::uint64_t by_rows = table.screen_rows[0](items->row(first), present, d, batch.scaled(q), terms,
                                                           batch.biases()[q], threshold);
        ++result.pairs;
        if (((by_panel & by_rows) >> i & 1) == 0) ++result.dropped;
      }
    }
  }
}

/// Rows along nearly one direction, scaled: the screen's terms at their extremes, and cancellation in squared distances.
test::Rows scaled_rows(std::size_t rows, std::size_t d, float scale, std::uint64_t seed) {
  const test::Rows direction = test::gaussian_rows(1, d, seed);
  test::Rows made = test::gaussian_rows(rows, d, seed + 1);
  for (std::size_t i = 0; i < rows * d; ++i) {
    made.values[i] = scale * (direction.values[i % d] + 1e-6F * made.values[i]);
  }
  return made;
}

}  // namespace

TEST_CASE("an item that just reaches the threshold survives the f32 screen: adversarial pairs") {
  std::size_t pairs = 0;
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    Attack result;
    for (const std::size_t d : {std::size_t{1}, std::size_t{19}}) {
      for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
        for (const test::Generator& of_items : test::generators()) {
          for (const test::Generator& of_queries : test::generators()) {
            const test::Rows items = of_items.make(70, d, 3 + d);
            test::Rows queries = of_queries.make(5, d, 4 + d);
            if (&of_items == &of_queries) std::copy_n(items.values.begin(), 3 * d, queries.values.begin());
            attack(items, queries, metric, *table, result);
          }
        }
        for (const float scale : {0x1p-39F, 0x1p-30F, 1.0F, 1e4F, 0x1p30F, 0x1p38F}) {
          const test::Rows items = scaled_rows(70, d, scale, 5);
          attack(items, scaled_rows(5, d, scale, 5), metric, *table, result);
          attack(items, scaled_rows(5, d, 1.0F, 5), metric, *table, result);
        }
      }
    }
    CHECK(result.dropped == 0);
    // What can be screened follows from the data alone, so every table attacks the same pairs.
    CHECK(result.pairs > result.offered / 2);
    if (pairs == 0) pairs = result.pairs;
    CHECK(result.pairs == pairs);
  }
}
