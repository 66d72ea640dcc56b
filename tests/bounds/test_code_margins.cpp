// The bounds by codes are restated in long double (margins.hpp). What the code returns must be
// that, with the whole margin for rounding and little more. test_code_bound.cpp attacks the bounds,
// but no attack sees half a margin: the worst case of rounding hardly ever occurs.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "bounds/code_bound.hpp"
#include "bounds/margins.hpp"
#include "kernels/code_limits.hpp"
#include "store/layout.hpp"
#include "store/quantize.hpp"
#include "support.hpp"

using namespace maxdot;
using test::power;
using test::Real;
using test::real;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::array kRankings = {base::Ranking::dot, base::Ranking::cosine,
                                  base::Ranking::euclidean};
constexpr std::array kCodes = {bounds::Codes::coarse, bounds::Codes::five, bounds::Codes::six,
                               bounds::Codes::fine};

/// One tile, made by hand.
struct HandMade {
  HandMade() {
    store.terms = terms.data();
    store.tiles = tiles.data();
    store.narrow_ratios = narrow.data();
  }
  std::array<store::ItemTerms, 2 * kernels::kTileItems> terms{};
  std::array<store::TileSummary, 2> tiles{};
  std::array<store::NarrowRatios, 2> narrow{};
  store::ItemStore store;
};

/// Queries of different lengths, and a zero one, as codes.
struct Asked {
  Asked() : rows(test::gaussian_rows(4, 5, 11)) {
    for (std::size_t j = 0; j < rows.cols; ++j) {
      rows.values[rows.cols + j] *= 0x1p-30F;
      rows.values[2 * rows.cols + j] *= 0x1p20F;
      rows.values[3 * rows.cols + j] = 0.0F;
    }
    std::vector<std::size_t> numbers(rows.rows);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    const kernels::KernelTable& table = kernels::reference_table();
    batch.reserve(rows.rows, rows.cols);
    batch.prepare(rows.view(), numbers, base::Ranking::dot, table, 1);
    codes.reserve(rows.rows, rows.cols, table.codes);
    codes.prepare(batch, rows.cols, bounds::Codes::fine, table.codes, 1);
  }
  test::Rows rows;
  bounds::PreparedQueries batch;
  bounds::QueryCodes codes;
};

/// The codes u of the tile's items, from its planes.
int code_of(const std::vector<std::uint8_t>& high, const std::vector<std::uint8_t>& low,
            std::size_t d, std::size_t i, std::size_t j) {
  const int upper = (high[store::high_byte(d, i, j)] >> (store::high_is_upper(i) ? 4 : 0)) & 15;
  const int lower = (low[store::low_byte(d, i, j)] >> (store::low_is_upper(d, j) ? 4 : 0)) & 15;
  return 16 * upper + lower;
}

}  // namespace

TEST_CASE("margins: the bound of an item is the proof's, with 2^-22 of its terms and 2^-100") {
  const Asked asked;
  HandMade made;
  const std::size_t position = 70;  // of the second tile
  made.tiles[0].error_ratio = 1000.0F;
  for (const base::Ranking ranking : kRankings) {
    const bounds::CodeBound bound(made.store, asked.codes, ranking, bounds::Codes::fine);
    for (const float ratio : {0.0F, 0.37F}) {
      made.tiles[1].error_ratio = ratio;
      for (const float scale : {0.0F, 0x1p-120F, 0.003F, 5.0F}) {
        for (const float norm : {0.0F, 0x1p-130F, 0x1p-126F, 0.7F, 3e4F}) {
          made.terms[position] = {scale, norm};
          for (std::size_t q = 0; q < asked.rows.rows; ++q) {
            for (const std::int32_t dot : {-5000, -1, 0, 3, 70'000}) {
              CAPTURE(static_cast<int>(ranking));
              CAPTURE(scale);
              CAPTURE(norm);
              CAPTURE(dot);
              const double got = bound.upper(q, position, dot);
              const Real rest = real(asked.codes.norm_factor(q));
              const Real center = real(asked.codes.scale(q)) * scale * dot;
              const Real spread = real(asked.codes.error_factor(q)) * ratio * scale;
              Real middle = 0;
              Real size = 0;
              if (ranking == base::Ranking::cosine) {
                if (norm == 0.0F) {
                  CHECK(got == asked.codes.norm_factor(q));
                  continue;
                }
                if (norm < 0x1p-126F) {
                  CHECK(got == kInfinity);
                  continue;
                }
                middle = (center + spread) / norm + rest;
                size = (std::fabs(center) + spread) / norm + rest;
              } else {
                const Real bias = ranking == base::Ranking::euclidean ? Real{norm} * norm / 2 : 0;
                middle = center + spread + rest * norm - bias;
                size = std::fabs(center) + spread + rest * norm + bias;
              }
              test::check_near(got, middle + power(-22) * size + power(-100),
                               power(-45) * size + power(-150));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("margins: the bound of a tile is the proof's, with 2^-20 of its terms and 2^-100") {
  const Asked asked;
  const HandMade made;
  const bounds::CodeBound bound(made.store, asked.codes, base::Ranking::dot, bounds::Codes::fine);
  for (const kernels::CodeTileTerms& tile :
       {kernels::CodeTileTerms{0.02F, 0.007F, 0.3F, 2.5F, -1.75F},
        kernels::CodeTileTerms{0.02F, 0.0F, 0.0F, 0.0F, 0.0F},
        kernels::CodeTileTerms{0.0F, 0.0F, 0.0F, 0.0F, -64.0F},
        kernels::CodeTileTerms{0x1p-100F, 0x1p-110F, 0x1p-99F, 0.0F, 0.0F}}) {
    for (std::size_t q = 0; q < asked.rows.rows; ++q) {
      for (const std::int32_t dot : {-5000, -1, 0, 3, 70'000}) {
        CAPTURE(q);
        CAPTURE(dot);
        const Real center = real(asked.codes.scale(q)) *
                            (dot > 0 ? tile.scale : tile.smallest_scale) * static_cast<Real>(dot);
        const Real error = real(asked.codes.error_factor(q)) * tile.error +
                           real(asked.codes.norm_factor(q)) * tile.norm;
        const Real size = std::fabs(center) + error + std::fabs(tile.bias);
        const Real expected = center + error + tile.bias + power(-20) * size + power(-100);
        test::check_near(static_cast<double>(bound.upper_in(tile, q, dot)), expected,
                         power(-23) * std::fabs(expected) + power(-149));
      }
    }
  }
}

TEST_CASE("margins: the terms of a tile are those of its codes and its ranking, grown by 2^-20") {
  const Asked asked;
  HandMade made;
  made.tiles[1] = {0.31F, 0.021F, 0.57F, 2.9F, 1.37F, 0.043F, 0.67F, 0.125F};
  made.narrow[1] = {3.3F, 1.7F};
  const store::TileSummary& most = made.tiles[1];
  const auto near = [](float got, Real expected) {
    test::check_near(static_cast<double>(got), expected, power(-23) * std::fabs(expected));
  };
  for (const base::Ranking ranking : kRankings) {
    for (const bounds::Codes read : kCodes) {
      CAPTURE(static_cast<int>(ranking));
      CAPTURE(static_cast<int>(read));
      const kernels::CodeTileTerms got =
          bounds::CodeBound(made.store, asked.codes, ranking, read).tile(1);
      const bool cosine = ranking == base::Ranking::cosine;
      const Real ratio = read == bounds::Codes::five  ? made.narrow[1].five
                         : read == bounds::Codes::six ? made.narrow[1].six
                                                      : most.error_ratio;
      const Real scale = cosine ? most.unit_scale : most.scale;
      near(got.scale, scale);
      near(got.smallest_scale, scale * most.least_scale);
      if (read == bounds::Codes::coarse)
        near(got.error, cosine ? most.unit_coarse_error : most.coarse_error);
      else
        near(got.error, ratio * scale * (1 + power(-20)));
      near(got.norm, cosine ? 1.0F : most.norm);
      near(got.bias,
           ranking == base::Ranking::euclidean ? -(1 - power(-20)) * most.min_square / 2 : Real{0});
    }
  }
}

TEST_CASE("margins: the limit of a tile leaves 2^-20 of its terms and 2^-100 for rounding") {
  struct Case {
    float threshold, inverse_scale, error_factor, norm_factor;
    kernels::CodeTileTerms tile;
  };
  const Case cases[] = {
      {3.0F, 0x1.8p13F, 0.5F, 0.25F, {0x1p-13F, 0x1p-14F, 1.0F, 2.0F, -1.5F}},
      {-3.0F, 0x1.8p12F, 0.5F, 0.25F, {0x1p-13F, 0x1p-14F, 1.0F, 2.0F, -1.5F}},
      {-3.0F, 0x1.8p12F, 0.0F, 0.0F, {0x1p-13F, 0x1p-14F, 1.0F, 2.0F, 0.0F}},
      {0.0F, 0x1.8p12F, 0.7F, 0.0F, {0x1p-13F, 0x1p-14F, 1.0F, 2.0F, 0.0F}},
      {0.0F, 0x1.8p12F, 0.0F, 0.7F, {0x1p-13F, 0x1p-14F, 1.0F, 2.0F, 0.0F}},
      {0.0F, 0x1.8p13F, 0.0F, 0.0F, {0x1p-13F, 0x1p-14F, 1.0F, 2.0F, -3.0F}},
      {0.0F, 0x1p60F, 0.0F, 0.0F, {1.0F, 0x1p-60F, 1.0F, 1.0F, 0.0F}},  // the guard's 2^-100
      {0x1p-90F, 0x1p8F, 0.0F, 0.0F, {0x1p-120F, 0x1p-60F, 1.0F, 1.0F, 0.0F}},  // the scale's
      {2.0F, 0x1p20F, 0.0F, 0.0F, {0x1p-20F, 0x1p-20F, 0.0F, 0.0F, 0.0F}},  // beyond every product
      {-2.0F, 0x1p20F, 0.0F, 0.0F, {0x1p-20F, 0x1p-20F, 0.0F, 0.0F, 0.0F}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.threshold);
    CAPTURE(c.inverse_scale);
    std::int32_t limit = 0;
    kernels::code_limits(1, {&c.threshold, &c.inverse_scale, &c.error_factor, &c.norm_factor},
                         c.tile, &limit);
    const Real error = Real{c.error_factor} * c.tile.error + Real{c.norm_factor} * c.tile.norm;
    const Real size = std::fabs(Real{c.threshold}) + error + std::fabs(c.tile.bias);
    const Real needed = Real{c.threshold} - error - c.tile.bias - power(-20) * size - power(-100);
    const Real scale =
        needed > 0 ? std::max(Real{c.tile.scale}, power(-100)) : Real{c.tile.smallest_scale};
    const Real most = power(30);
    const Real expected = std::clamp(needed * c.inverse_scale / scale, -most, most) - 1;
    const Real rounding = (size + power(-98)) * power(-23) * c.inverse_scale / scale;
    test::check_near(limit, expected, std::min(rounding, power(30)) + 1);
  }
}

TEST_CASE("margins: what is no number lets every product pass, infinity none") {
  const float one = 1.0F;
  const float zero = 0.0F;
  const auto limit_of = [&](float threshold, float inverse, const kernels::CodeTileTerms& tile) {
    std::int32_t limit = 0;
    kernels::code_limits(1, {&threshold, &inverse, &one, &zero}, tile, &limit);
    return limit;
  };
  const std::int32_t most = 1 << 30;
  CHECK(limit_of(std::nanf(""), 1.0F, {1.0F, 1.0F, 0.0F, 0.0F, 0.0F}) == -most - 1);
  CHECK(limit_of(-kInfinity, 1.0F, {1.0F, 1.0F, 0.0F, 0.0F, 0.0F}) == -most - 1);
  CHECK(limit_of(1.0F, 1.0F, {1.0F, 1.0F, kInfinity, 0.0F, 0.0F}) == -most - 1);
  CHECK(limit_of(-1.0F, 1.0F, {1.0F, 0.0F, 0.0F, 0.0F, 0.0F}) == -most - 1);
  // Not above 0 by a hair: the smallest scale counts, and it is 0.
  CHECK(limit_of(0x1.00001p-100F, 1.0F, {1.0F, 0.0F, 0.0F, 0.0F, 0.0F}) == -most - 1);
  CHECK(limit_of(1.0F, kInfinity, {1.0F, 1.0F, 0.0F, 0.0F, 0.0F}) == most - 1);
}

TEST_CASE("margins: stored errors are those of the codes, grown by 2^-36 and rounded up") {
  test::Random random(5);
  for (int round = 0; round < 40'000; ++round) {
    const std::size_t d = 1 + random.below(4);
    const std::size_t count = 1 + random.below(2);
    const test::Rows rows = test::gaussian_rows(count, d, random.bits());
    double squares[2] = {};
    for (std::size_t i = 0; i < count; ++i)
      squares[i] = reference::dot64(&rows.values[i * d], &rows.values[i * d], d);
    std::vector<std::uint8_t> high(store::plane_tile_bytes(d));
    std::vector<std::uint8_t> low(store::low_tile_bytes(d));
    std::array<store::ItemTerms, kernels::kTileItems> terms{};
    store::TileSummary summary{};
    store::NarrowRatios narrow{};
    store::quantize_tile(rows.values.data(), squares, count, d,
                         {high.data(), low.data(), terms.data(), &summary, &narrow});
    Real ratios[3] = {};  // of 8, 5 and 6 bits
    Real coarse = 0;
    Real scale = 0;
    Real norm = 0;
    Real unit_scale = 0;
    Real unit_coarse = 0;
    Real least = 1;
    Real unit_least = 1e30L;
    Real least_scale = 1e30L;
    Real least_square = 1e30L;
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(terms[i].scale == store::largest_magnitude(&rows.values[i * d], d) / 127.0F);
      const Real s = static_cast<Real>(terms[i].scale);
      Real sums[4] = {};
      for (std::size_t j = 0; j < d; ++j) {
        const Real x = static_cast<Real>(rows.values[i * d + j]);
        const int u = code_of(high, low, d, i, j);
        REQUIRE(std::fabs(x / s - (u - 128)) <= 0.5L + power(-30));
        const Real rests[4] = {x - s * (u - 128), x - s * (u / 8 * 8 + 4 - 128),
                               x - s * (u / 4 * 4 + 2 - 128), x - s * (u / 16 * 16 + 8 - 128)};
        for (int kind = 0; kind < 4; ++kind) sums[kind] += rests[kind] * rests[kind];
      }
      for (int kind = 0; kind < 3; ++kind)
        ratios[kind] = std::max(ratios[kind], std::sqrt(sums[kind]) / s);
      const Real length = std::sqrt(real(squares[i]));
      CHECK(terms[i].norm == static_cast<float>(std::sqrt(squares[i])));
      coarse = std::max(coarse, std::sqrt(sums[3]));
      scale = std::max(scale, s);
      norm = std::max(norm, length);
      unit_scale = std::max(unit_scale, s / length);
      // Of the stored f32.
      test::Real coarse_f32 = std::sqrt(sums[3]) * (1 + power(-36));
      unit_coarse =
          std::max(unit_coarse, static_cast<Real>(test::least_float_from(coarse_f32)) / length);
      least_scale = std::min(least_scale, s);
      unit_least = std::min(unit_least, s / length);
      least_square = std::min(least_square, real(squares[i]));
    }
    test::check_grown(summary.error_ratio, ratios[0], -36);
    test::check_grown(narrow.five, ratios[1], -36);
    test::check_grown(narrow.six, ratios[2], -36);
    test::check_grown(summary.coarse_error, coarse, -36);
    test::check_grown(summary.norm, norm, -36);
    test::check_grown(summary.unit_scale, unit_scale, -36);
    test::check_grown(summary.unit_coarse_error, unit_coarse, -36);
    CHECK(static_cast<Real>(summary.scale) == scale);
    CHECK(summary.min_square == static_cast<float>(least_square));
    least = std::min(least_scale / summary.scale, unit_least / summary.unit_scale);
    test::check_near(static_cast<double>(summary.least_scale), least * (1 - power(-20)),
                     least * power(-23));
    CHECK(static_cast<Real>(summary.least_scale) <= least * (1 - power(-20)) * (1 + power(-45)));
  }
}

TEST_CASE("margins: rows that are zero, or whose scale is, have errors of their whole length") {
  const auto tile_of = [](std::vector<float> row, store::NarrowRatios& narrow) {
    const std::size_t d = row.size();
    const double square = reference::dot64(row.data(), row.data(), d);
    std::vector<std::uint8_t> high(store::plane_tile_bytes(d));
    std::vector<std::uint8_t> low(store::low_tile_bytes(d));
    std::array<store::ItemTerms, kernels::kTileItems> terms{};
    store::TileSummary summary{};
    store::quantize_tile(row.data(), &square, 1, d,
                         {high.data(), low.data(), terms.data(), &summary, &narrow});
    CHECK(terms[0].scale == summary.scale);
    return summary;
  };
  store::NarrowRatios narrow{};
  const store::TileSummary tiny = tile_of({0x1p-149F, -0x1p-148F}, narrow);
  CHECK(tiny.scale == 0.0F);
  CHECK(tiny.error_ratio == kInfinity);
  CHECK(narrow.five == kInfinity);
  CHECK(narrow.six == kInfinity);
  CHECK(static_cast<Real>(tiny.coarse_error) >= std::sqrt(Real{5}) * power(-149));
  CHECK(tiny.coarse_error <= 0x1p-146F);
  CHECK(tiny.unit_scale == 0.0F);
  CHECK(tiny.unit_coarse_error >= 1.0F);
  CHECK(tiny.least_scale == 0.0F);
  const store::TileSummary zero = tile_of({0.0F, 0.0F}, narrow);
  CHECK(zero.scale == 0.0F);
  CHECK(zero.error_ratio == 0.0F);
  CHECK(zero.coarse_error == 0.0F);
  CHECK(zero.unit_scale == 0.0F);
  CHECK(zero.unit_coarse_error == 0.0F);
  CHECK(zero.norm == 0.0F);
  CHECK(zero.min_square == 0.0F);
  CHECK(zero.least_scale == 0.0F);
  store::TileSummary none{};
  std::vector<std::uint8_t> codes(store::plane_tile_bytes(2) + store::low_tile_bytes(2));
  std::array<store::ItemTerms, kernels::kTileItems> terms{};
  store::quantize_tile(
      nullptr, nullptr, 0, 2,
      {codes.data(), codes.data() + store::plane_tile_bytes(2), terms.data(), &none, &narrow});
  CHECK(none.min_square == 0.0F);
  CHECK(none.least_scale == 0.0F);
}
