// The certified screens' bound, attacked: no item's true key may lie above it.
// docs/certified-screening.md has the proof.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/rounding.hpp"
#include "bounds/code_bound.hpp"
#include "bounds/f32_bound.hpp"
#include "bounds/query_codes.hpp"
#include "kernels/kernels.hpp"
#include "store/encode.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

/// Products of codes, from the planes and the plain formula.
std::int32_t product(const store::ItemStore& items, std::size_t position, const std::int8_t* query,
                     bounds::Codes read) {
  const std::size_t d = items.dimension;
  const std::size_t tile = store::tile_of(position);
  const std::size_t i = position - store::first_of_tile(tile);
  const std::uint8_t* highs = items.high_tile(tile, store::plane_tile_bytes(d));
  const std::uint8_t* lows = items.low_tile(tile, store::low_tile_bytes(d));
  std::int32_t sum = 0;
  for (std::size_t j = 0; j < d; ++j) {
    const int high = (highs[store::high_byte(d, i, j)] >> (store::high_is_upper(i) ? 4 : 0)) & 15;
    const int low = (lows[store::low_byte(d, i, j)] >> (store::low_is_upper(d, j) ? 4 : 0)) & 15;
    const int unit = 1 << (8 - bounds::bits_of(read));
    const int code = 16 * high + low;
    sum += query[j] * (code / unit * unit + unit / 2 - 128);
  }
  return sum;
}

constexpr std::array kSizes = {bounds::Codes::coarse, bounds::Codes::five, bounds::Codes::six,
                               bounds::Codes::fine};

struct Attack {
  std::size_t offered = 0;
  std::size_t pairs = 0;  // attacked: both of them in the range of screens
  std::size_t above = 0;  // true keys above the bound: must be none
  std::size_t dropped_wrongly =
      0;  // items that reach a threshold but not the integer limit: must be none
};

/// Every pair of an item and a query: is the key's own reach at most the bound, and does an item
/// that just reaches its own key as a threshold pass the tile's integer limit?
void attack(const test::Rows& rows, const test::Rows& asked, Metric metric,
            const kernels::KernelTable& table, Attack& attack) {
  attack.offered += kSizes.size() * rows.rows * asked.rows;
  Matrix copy(rows.rows, rows.cols, DType::f32);
  std::copy(rows.values.begin(), rows.values.end(), static_cast<float*>(copy.data()));
  const auto items = store::encode(std::move(copy), {metric, false, {}, 1}, table);
  const base::Ranking ranking = base::ranking_of(metric, false);
  if (!bounds::F32Bound(*items, ranking).usable()) return;
  std::vector<std::size_t> numbers(asked.rows);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  bounds::PreparedQueries batch;
  batch.reserve(asked.rows, asked.cols);
  batch.prepare(asked.view(), numbers, ranking, table, 1);
  bounds::QueryCodes codes;
  codes.reserve(asked.rows, asked.cols, table.codes);
  for (const bounds::Codes read : kSizes) {
    codes.prepare(batch, asked.cols, read, table.codes, 1);
    const bounds::CodeBound bound(*items, codes, ranking, read);
    for (std::size_t position = 0; position < rows.rows; ++position) {
      const std::size_t row = items->row_at(position);
      for (std::size_t q = 0; q < asked.rows; ++q) {
        if (!batch.screenable(q)) continue;
        const double key = reference::score(&asked.values[q * asked.cols],
                                            &rows.values[row * rows.cols], rows.cols, metric, false)
                               .key;
        const double reach = batch.reach(q, key);
        const std::int32_t dot = product(*items, position, codes.codes(q), read);
        ++attack.pairs;
        if (read == bounds::Codes::fine && bound.upper(q, position, dot) < reach) ++attack.above;
        // The bound that a deferred item waits with.
        if (bound.upper_in(bound.tile(position / kernels::kTileItems), q, dot) < reach)
          ++attack.above;
        const float threshold = base::round_down(reach);
        std::int32_t limit = 0;
        table.codes.limits(1, codes.terms(q, &threshold),
                           bound.tile(position / kernels::kTileItems), &limit);
        if (dot < limit) ++attack.dropped_wrongly;
        if (!codes.narrow()) continue;
        // As the narrow kernels see it: their product times the unit, from a start, is `dot`.
        const std::int32_t unit = codes.product(q, 1) - codes.product(q, 0);
        const std::int32_t returned = (dot - codes.product(q, 0)) / unit;
        REQUIRE(codes.product(q, returned) == dot);
        codes.to_narrow(q, 1, &limit);
        if (returned < limit) ++attack.dropped_wrongly;
      }
    }
  }
}

}  // namespace

TEST_CASE("no true key lies above its certified bound: millions of random and adversarial pairs") {
  for (const kernels::KernelTable* table :
       {&kernels::active_table(), &kernels::reference_table()}) {
    CAPTURE(table->name);
    Attack result;
    for (const test::Generator& of_items : test::generators()) {
      for (const test::Generator& of_queries : test::generators()) {
        for (const std::size_t d : {std::size_t{1}, std::size_t{7}, std::size_t{48}}) {
          const test::Rows items = of_items.make(150, d, 3 + d);
          test::Rows queries = of_queries.make(24, d, 4 + d);
          if (&of_items == &of_queries)
            std::copy_n(items.values.begin(), 12 * d, queries.values.begin());
          for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
            attack(items, queries, metric, *table, result);
          }
        }
      }
    }
    CHECK(result.above == 0);
    CHECK(result.dropped_wrongly == 0);
    CHECK(result.pairs > result.offered / 2);
  }
}

TEST_CASE("codes approximate within the errors that are stored with them") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    const std::size_t d = 37;
    const test::Rows rows = generator.make(200, d, 9);
    Matrix copy(rows.rows, d, DType::f32);
    std::copy(rows.values.begin(), rows.values.end(), static_cast<float*>(copy.data()));
    const auto items =
        store::encode(std::move(copy), {Metric::dot, false, {}, 2}, kernels::active_table());
    std::vector<bool> seen(rows.rows, false);
    for (std::size_t position = 0; position < rows.rows; ++position) {
      const std::size_t row = items->row_at(position);
      REQUIRE(row < rows.rows);
      REQUIRE_FALSE(seen[row]);
      seen[row] = true;
      const long double scale = static_cast<long double>(items->terms[position].scale);
      const store::TileSummary& tile = items->tiles[position / kernels::kTileItems];
      const store::NarrowRatios& narrow = items->narrow_ratios[position / kernels::kTileItems];
      long double fine = 0;
      long double coarse = 0;
      long double five = 0;
      long double six = 0;
      for (std::size_t j = 0; j < d; ++j) {
        std::vector<std::int8_t> unit(d, 0);
        unit[j] = 1;
        const long double x = static_cast<long double>(rows.values[row * d + j]);
        const auto rest = [&](bounds::Codes read) {
          const std::int32_t code = product(*items, position, unit.data(), read);
          return x - scale * static_cast<long double>(code);
        };
        const long double f = rest(bounds::Codes::fine);
        const long double c = rest(bounds::Codes::coarse);
        five += rest(bounds::Codes::five) * rest(bounds::Codes::five);
        six += rest(bounds::Codes::six) * rest(bounds::Codes::six);
        fine += f * f;
        coarse += c * c;
      }
      if (std::isfinite(tile.error_ratio)) {
        REQUIRE(std::sqrt(fine) <= static_cast<long double>(tile.error_ratio) * scale);
        REQUIRE(std::sqrt(five) <= static_cast<long double>(narrow.five) * scale);
        REQUIRE(std::sqrt(six) <= static_cast<long double>(narrow.six) * scale);
      }
      REQUIRE(std::sqrt(coarse) <= static_cast<long double>(tile.coarse_error));
      REQUIRE(items->terms[position].scale <= tile.scale);
    }
  }
}
