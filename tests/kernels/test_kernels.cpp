// Every kernel of every instruction set of this machine against the reference.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/aligned_buffer.hpp"
#include "base/f16.hpp"
#include "kernels/kernels.hpp"
#include "support.hpp"

using namespace maxdot;
using kernels::kTileItems;

namespace {

const std::size_t kDimensions[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 64, 100, 127, 128, 129, 1000};

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

/// Rows in memory as kernels want it: aligned, with readable bytes after the end.
base::AlignedBuffer<float> aligned_copy(const test::Rows& rows) {
  base::AlignedBuffer<float> copy(rows.values.size(), "test rows");
  std::copy(rows.values.begin(), rows.values.end(), copy.data());
  return copy;
}

base::AlignedBuffer<std::uint16_t> aligned_halves(const test::Rows& rows) {
  const std::vector<std::uint16_t> halves = test::to_halves(rows);
  base::AlignedBuffer<std::uint16_t> copy(halves.size(), "test rows");
  std::copy(halves.begin(), halves.end(), copy.data());
  return copy;
}

}  // namespace

TEST_CASE("f16 to f32 is exact for all 65,536 halves") {
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const float value = base::f16_to_f32(half);
    const int exponent = static_cast<int>((h >> 10) & 31U);
    const double mantissa = static_cast<double>(h & 1023U);
    const double sign = (h & 0x8000U) != 0 ? -1.0 : 1.0;
    if (exponent == 31) {
      CHECK_FALSE(std::isfinite(value));
      CHECK_FALSE(base::f16_is_finite(half));
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024.0 + mantissa, exponent - 25);
      REQUIRE(static_cast<double>(value) == sign * expected);
    }
  }
}

TEST_CASE("dot64 is the same bit for bit on every instruction set") {
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    for (const test::Generator& generator : test::generators()) {
      CAPTURE(generator.name);
      for (const std::size_t d : kDimensions) {
        const test::Rows rows = generator.make(6, d, d + 3);
        const std::vector<std::uint16_t> halves = test::to_halves(rows);
        for (std::size_t r = 1; r < rows.rows; ++r) {
          const float* q = rows.values.data();
          const float* x = &rows.values[r * d];
          REQUIRE(same_bits(table->dot64[0](q, x, d), reference::dot64(q, x, d)));
          std::vector<float> widened(d);
          std::transform(&halves[r * d], &halves[r * d] + d, widened.begin(), base::f16_to_f32);
          REQUIRE(same_bits(table->dot64[1](q, &halves[r * d], d),
                            reference::dot64(q, widened.data(), d)));
        }
        // Four different queries with four different rows, the last of them at the end of its
        // memory.
        const float* queries[4];
        const void* floats[4];
        const void* half_rows[4];
        for (std::size_t r = 0; r < 4; ++r) {
          queries[r] = &rows.values[r * d];
          floats[r] = &rows.values[(r + 2) * d];
          half_rows[r] = &halves[(r + 2) * d];
        }
        double dots[4];
        for (const std::size_t type : {std::size_t{0}, std::size_t{1}}) {
          const void* const* x = type == 0 ? floats : half_rows;
          table->dot64_four[type](queries, x, d, dots);
          for (std::size_t r = 0; r < 4; ++r)
            REQUIRE(same_bits(dots[r], table->dot64[type](queries[r], x[r], d)));
        }
      }
    }
  }
}

TEST_CASE("pack_panel transposes and widens exactly") {
  const kernels::KernelTable& reference = kernels::reference_table();
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    for (const std::size_t d : kDimensions) {
      for (const std::size_t n :
           {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{63}, std::size_t{64}}) {
        const test::Rows rows = test::gaussian_rows(n, d, n * d);
        const auto floats = aligned_copy(rows);
        const auto halves = aligned_halves(rows);
        base::AlignedBuffer<float> got(d * kTileItems, "panel");
        base::AlignedBuffer<float> expected(d * kTileItems, "panel");
        for (const std::size_t type : {std::size_t{0}, std::size_t{1}}) {
          const void* source = type == 0 ? static_cast<const void*>(floats.data()) : halves.data();
          reference.pack_panel[type](source, n, d, expected.data());
          table->pack_panel[type](source, n, d, got.data());
          REQUIRE(std::memcmp(got.data(), expected.data(), d * kTileItems * sizeof(float)) == 0);
        }
      }
    }
  }
}

// Integer-valued data makes every f32 sum exact, whatever its order: masks must then be equal
// everywhere, with thresholds set right on top of values that occur.
TEST_CASE("screens agree exactly where f32 arithmetic is exact") {
  const kernels::KernelTable& reference = kernels::reference_table();
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    for (const std::size_t d : kDimensions) {
      const std::size_t stride = (d + 15) / 16 * 16;
      test::Random random(d);
      const auto integer = [&] { return static_cast<float>(random.below(9)) - 4.0F; };
      test::Rows rows{std::vector<float>(kTileItems * d), kTileItems, d};
      for (float& value : rows.values) value = integer();
      const auto floats = aligned_copy(rows);
      const auto halves = aligned_halves(rows);
      kernels::TileTerms terms;
      for (std::size_t i = 0; i < kTileItems; ++i) {
        terms.scale[i] = 1.0F + static_cast<float>(i % 2);
        terms.bias[i] = integer();
        terms.slack[i] = static_cast<float>(i % 3);
      }
      constexpr std::size_t kQueries = 15;  // two register tiles of 6, a pair and a single
      base::AlignedBuffer<float> queries(kQueries * stride, "queries");
      float biases[kQueries];
      float thresholds[kQueries];
      for (std::size_t q = 0; q < kQueries; ++q) {
        for (std::size_t j = 0; j < stride; ++j) queries[q * stride + j] = j < d ? integer() : 0.0F;
        biases[q] = integer();
        thresholds[q] = integer() * 2.0F;
      }
      base::AlignedBuffer<float> panel(d * kTileItems, "panel");
      reference.pack_panel[0](floats.data(), kTileItems, d, panel.data());
      std::uint64_t expected[kQueries];
      std::uint64_t got[kQueries];
      reference.screen_panel(panel.data(), d, queries.data(), stride, kQueries, terms, biases,
                             thresholds, expected);
      table->screen_panel(panel.data(), d, queries.data(), stride, kQueries, terms, biases,
                          thresholds, got);
      for (std::size_t q = 0; q < kQueries; ++q) {
        REQUIRE(got[q] == expected[q]);
        const float* query = queries.data() + q * stride;
        for (const std::size_t n : {std::size_t{1}, std::size_t{5}, std::size_t{64}}) {
          const std::uint64_t present = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
          const auto direct = [&](std::size_t type, const void* source) {
            return table->screen_rows[type](source, n, d, query, terms, biases[q], thresholds[q]) &
                   present;
          };
          REQUIRE(direct(0, floats.data()) == (expected[q] & present));
          REQUIRE(direct(1, halves.data()) == (expected[q] & present));
        }
      }
    }
  }
}

TEST_CASE("a NaN or infinite bound survives every screen") {
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    test::Rows rows = test::gaussian_rows(kTileItems, 20, 1);
    const auto floats = aligned_copy(rows);
    kernels::TileTerms terms;
    for (std::size_t i = 0; i < kTileItems; ++i) {
      terms.scale[i] = i % 3 == 0 ? std::numeric_limits<float>::quiet_NaN() : 0.0F;
      terms.bias[i] = 0.0F;
      terms.slack[i] = i % 3 == 1 ? std::numeric_limits<float>::infinity() : 0.0F;
    }
    base::AlignedBuffer<float> query(32, "query");
    std::fill(query.data(), query.data() + 32, 0.0F);
    const std::uint64_t mask =
        table->screen_rows[0](floats.data(), kTileItems, 20, query.data(), terms, 1.0F, 1e30F);
    for (std::size_t i = 0; i < kTileItems; ++i) CHECK(((mask >> i) & 1) == (i % 3 == 2 ? 0U : 1U));
  }
}
