// The f32 screen's bound, attacked: an item whose own key is the threshold must survive, on every
// instruction set. docs/exactness.md has the proof.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "bounds/f32_bound.hpp"
#include "bounds/prepared_queries.hpp"
#include "kernels/kernels.hpp"
#include "store/encode.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

struct Attack {
  std::size_t offered = 0;
  std::size_t pairs = 0;    // attacked: both of them in the range of screens
  std::size_t dropped = 0;  // must be none
};

/// Of pairs of items: their order by f32 intervals against that by key.
struct OrderAttack {
  std::size_t offered = 0;
  std::size_t decided = 0;  // by the intervals
  std::size_t wrong = 0;    // must be none
};

/// An index and a batch of queries, ready to be screened.
struct Case {
  Case(const test::Rows& rows, const test::Rows& asked, Metric metric,
       const kernels::KernelTable& table) {
    Matrix copy(rows.rows, rows.cols, DType::f32);
    std::copy(rows.values.begin(), rows.values.end(), static_cast<float*>(copy.data()));
    items = store::encode(std::move(copy), {metric, false, {}, 1}, table);
    std::vector<std::size_t> numbers(asked.rows);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    batch.reserve(asked.rows, asked.cols);
    batch.prepare(asked.view(), numbers, base::ranking_of(metric, false), table, 1);
  }
  std::shared_ptr<const store::ItemStore> items;
  bounds::PreparedQueries batch;
};

/// Every item of the first tile is a target: which of the others are certainly better, which
/// certainly worse?
void attack_order(const test::Rows& rows, const test::Rows& asked, Metric metric,
                  const kernels::KernelTable& table, OrderAttack& result) {
  const Case made(rows, asked, metric, table);
  const bounds::F32Bound bound(*made.items, base::ranking_of(metric, false));
  const std::size_t d = rows.cols;
  const std::size_t present = std::min(kernels::kTileItems, rows.rows);
  result.offered += asked.rows * present * present;
  if (!bound.usable()) return;
  base::AlignedBuffer<float> panel(d * kernels::kTileItems, "panel");
  table.pack_panel[0](made.items->row(0), present, d, panel.data());
  kernels::TileTerms terms;
  bound.fill(0, terms);
  alignas(64) const float zero[kernels::kTileItems] = {};
  alignas(64) float scores[kernels::kTileItems];
  float low[kernels::kTileItems];
  float high[kernels::kTileItems];
  double keys[kernels::kTileItems];
  for (std::size_t q = 0; q < asked.rows; ++q) {
    if (!made.batch.screenable(q)) continue;
    table.logits_panel(panel.data(), d, made.batch.scaled(q), made.batch.stride(), 1, terms.scale,
                       zero, scores);
    bounds::F32Bound::intervals(terms, scores, made.batch.biases()[q], low, high);
    for (std::size_t i = 0; i < present; ++i) {
      keys[i] = reference::score(&asked.values[q * d], &rows.values[i * d], d, metric, false).key;
    }
    for (std::size_t target = 0; target < present; ++target) {
      const float threshold = made.batch.threshold(q, keys[target]);
      const float ceiling = made.batch.ceiling(q, keys[target]);
      for (std::size_t i = 0; i < present; ++i) {
        const bool better = low[i] > ceiling;
        const bool worse = high[i] < threshold;
        if (better || worse) ++result.decided;
        if ((better && keys[i] <= keys[target]) || (worse && keys[i] >= keys[target]))
          ++result.wrong;
      }
    }
  }
}

void attack(const test::Rows& rows, const test::Rows& asked, Metric metric,
            const kernels::KernelTable& table, Attack& result) {
  result.offered += rows.rows * asked.rows;
  const Case made(rows, asked, metric, table);
  const auto& items = made.items;
  const bounds::PreparedQueries& batch = made.batch;
  const bounds::F32Bound screen(*items, base::ranking_of(metric, false));
  if (!screen.usable()) return;
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
            reference::score(&asked.values[q * d], &rows.values[(first + i) * d], d, metric, false)
                .key;
        const float threshold = batch.threshold(q, key);
        std::uint64_t by_panel = 0;
        table.screen_panel(panel.data(), d, batch.scaled(q), batch.stride(), 1, terms,
                           batch.biases() + q, &threshold, &by_panel);
        const std::uint64_t by_rows = table.screen_rows[0](
            items->row(first), present, d, batch.scaled(q), terms, batch.biases()[q], threshold);
        ++result.pairs;
        if (((by_panel & by_rows) >> i & 1) == 0) ++result.dropped;
      }
    }
  }
}

/// Rows along nearly one direction, scaled: the screen's terms at their extremes, and cancellation
/// in squared distances.
test::Rows scaled_rows(std::size_t rows, std::size_t d, float scale, std::uint64_t seed) {
  const test::Rows direction = test::gaussian_rows(1, d, seed);
  test::Rows made = test::gaussian_rows(rows, d, seed + 1);
  for (std::size_t i = 0; i < rows * d; ++i) {
    made.values[i] = scale * (direction.values[i % d] + 1e-6F * made.values[i]);
  }
  return made;
}

/// Calls `attack(items, queries, metric)` with every pairing that is likely to break a bound.
template <typename AttackPair>
void with_adversarial_pairs(const AttackPair& attack) {
  for (const std::size_t d : {std::size_t{1}, std::size_t{19}}) {
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
      for (const test::Generator& of_items : test::generators()) {
        for (const test::Generator& of_queries : test::generators()) {
          const test::Rows items = of_items.make(70, d, 3 + d);
          test::Rows queries = of_queries.make(5, d, 4 + d);
          if (&of_items == &of_queries)
            std::copy_n(items.values.begin(), 3 * d, queries.values.begin());
          attack(items, queries, metric);
        }
      }
      for (const float scale : {0x1p-39F, 0x1p-30F, 1.0F, 1e4F, 0x1p30F, 0x1p38F}) {
        const test::Rows items = scaled_rows(70, d, scale, 5);
        attack(items, scaled_rows(5, d, scale, 5), metric);
        attack(items, scaled_rows(5, d, 1.0F, 5), metric);
      }
    }
  }
}

}  // namespace

TEST_CASE("an item that just reaches the threshold survives the f32 screen: adversarial pairs") {
  std::size_t pairs = 0;
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    Attack result;
    with_adversarial_pairs([&](const test::Rows& items, const test::Rows& queries, Metric metric) {
      attack(items, queries, metric, *table, result);
    });
    CHECK(result.dropped == 0);
    // What can be screened follows from the data alone, so every table attacks the same pairs.
    CHECK(result.pairs > result.offered / 2);
    if (pairs == 0) pairs = result.pairs;
    CHECK(result.pairs == pairs);
  }
}

TEST_CASE("the f32 bound on both sides: who is called better or worse is better or worse by key") {
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    OrderAttack result;
    with_adversarial_pairs([&](const test::Rows& items, const test::Rows& queries, Metric metric) {
      attack_order(items, queries, metric, *table, result);
    });
    CHECK(result.wrong == 0);
    CHECK(result.decided > result.offered / 4);
  }
}
