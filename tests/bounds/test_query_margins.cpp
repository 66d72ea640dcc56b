// What bounds know of a query, restated in long double (margins.hpp): its reach, its codes, and
// their errors with the whole margin for rounding and little more.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/rounding.hpp"
#include "bounds/margins.hpp"
#include "bounds/norm_limit.hpp"
#include "bounds/prepared_queries.hpp"
#include "bounds/query_codes.hpp"
#include "search/query_state.hpp"
#include "store/layout.hpp"
#include "support.hpp"

using namespace maxdot;
using test::power;
using test::Real;
using test::real;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::array kCodes = {bounds::Codes::coarse, bounds::Codes::five, bounds::Codes::six,
                               bounds::Codes::fine};

bounds::PreparedQueries prepared(const test::Rows& rows, base::Ranking ranking) {
  std::vector<std::size_t> numbers(rows.rows);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  bounds::PreparedQueries batch;
  batch.reserve(rows.rows, rows.cols);
  batch.prepare(rows.view(), numbers, ranking, kernels::reference_table(), 1);
  return batch;
}

/// Rows of many lengths; the last one is zero.
test::Rows many_lengths(std::size_t rows, std::size_t d) {
  test::Rows made = test::gaussian_rows(rows, d, 17);
  for (std::size_t i = 0; i < rows; ++i) {
    const float length = i + 1 == rows ? 0.0F : std::ldexp(1.0F, static_cast<int>(i % 41) - 20);
    for (std::size_t j = 0; j < d; ++j) made.values[i * d + j] *= length;
  }
  return made;
}

void screen_nothing(const std::uint8_t*, std::size_t, int, const std::int8_t*, std::size_t,
                    std::size_t, const std::int32_t*, kernels::CodesAhead, std::uint64_t*,
                    std::int32_t*) noexcept {}

/// The kinds of kernels that codes are made for, whatever this machine has.
std::vector<kernels::CodeKernels> kinds_of_kernels() {
  const kernels::CodeKernels plain = kernels::reference_table().codes;
  kernels::CodeKernels pairs = plain;
  pairs.max_query_code = 64;
  pairs.offset = 128;
  pairs.coarse_offset = 120;
  pairs.query_padding = 16;
  kernels::CodeKernels narrow = pairs;
  narrow.narrow.screen = &screen_nothing;
  return {plain, pairs, narrow};
}

}  // namespace

TEST_CASE("margins: rounding to f32 goes down, or up, by no more than one step") {
  test::Random random(3);
  const auto steps = [](double value) {
    CAPTURE(value);
    const float down = base::round_down(value);
    const float up = base::round_up(value);
    CHECK(static_cast<double>(down) <= value);
    CHECK(static_cast<double>(up) >= value);
    if (static_cast<double>(down) == value)
      CHECK(up == down);
    else
      CHECK(up == std::nextafterf(down, std::numeric_limits<float>::infinity()));
  };
  for (int i = 0; i < 10'000; ++i) {
    steps(std::ldexp(static_cast<double>(random.gaussian()) * (1 + 0x1p-30),
                     static_cast<int>(random.below(240)) - 120));
    steps(static_cast<double>(random.gaussian()));
  }
  CHECK(std::isnan(base::round_down(std::nan(""))));
  CHECK(std::isnan(base::round_up(std::nan(""))));
  CHECK(static_cast<double>(base::round_up(kInfinity)) == kInfinity);
  CHECK(static_cast<double>(base::round_down(-kInfinity)) == -kInfinity);
}

TEST_CASE("margins: a query is scaled exactly, to a norm in [1, 2)") {
  const test::Rows rows = many_lengths(200, 6);
  const bounds::PreparedQueries batch = prepared(rows, base::Ranking::dot);
  REQUIRE(batch.size() == rows.rows);
  for (std::size_t q = 0; q < rows.rows; ++q) {
    const float factor = batch.biases()[q];
    int exponent = 0;
    CHECK(std::frexp(factor, &exponent) == 0.5F);  // a power of two
    Real square = 0;
    for (std::size_t j = 0; j < batch.stride(); ++j) {
      const float value = j < rows.cols ? rows.values[q * rows.cols + j] : 0.0F;
      CHECK(batch.values(q)[j] == value);
      CHECK(batch.scaled(q)[j] == value * factor);
      square += static_cast<Real>(value) * value;
    }
    test::check_near(batch.square(q), square, square * power(-50));
    const Real norm = std::sqrt(square) * factor;
    if (q + 1 == rows.rows)
      CHECK(factor == 1.0F);
    else
      CHECK((norm >= 1 && norm < 2));
  }
}

TEST_CASE("margins: queries of norms from 2^-40 to 2^40 are screened, and the zero query") {
  test::Rows rows = test::gaussian_rows(7, 1, 1);
  rows.values = {0.0F, 0x1p-40F, 0x0.ffffffp-40F, 0x1p40F, 0x1.000002p40F, 1.0F, -3.0F};
  const bounds::PreparedQueries batch = prepared(rows, base::Ranking::dot);
  const bool expected[] = {true, true, false, true, false, true, true};
  for (std::size_t q = 0; q < rows.rows; ++q) CHECK(batch.screenable(q) == expected[q]);
}

TEST_CASE("margins: what a key must reach, by the proof, and 2^-45 for a squared distance") {
  const test::Rows rows = many_lengths(60, 5);
  for (const base::Ranking ranking :
       {base::Ranking::dot, base::Ranking::cosine, base::Ranking::euclidean}) {
    const bounds::PreparedQueries batch = prepared(rows, ranking);
    for (std::size_t q = 0; q < rows.rows; ++q) {
      const Real square = real(batch.square(q));
      for (const double bound : {-3.0, -1e-9, 0.0, 1e-7, 0.6, -batch.square(q), -1e9}) {
        CAPTURE(static_cast<int>(ranking));
        CAPTURE(bound);
        Real score = bound;
        Real margin = 0;
        if (ranking == base::Ranking::cosine)
          score = square > 0 ? bound * std::sqrt(square) : std::min(Real{bound}, Real{0});
        if (ranking == base::Ranking::euclidean) {
          score = (bound + square) / 2;
          margin = power(-45) * (std::fabs(Real{bound}) + square);
        }
        const Real tolerance =
            power(-51) * (std::fabs(Real{bound}) * (1 + std::sqrt(square)) + square);
        test::check_near(batch.reach(q, bound), score - margin, tolerance);
        const Real factor = static_cast<Real>(batch.biases()[q]);
        const auto near = [&](float got, Real exact, float to) {
          // The next f32 from the exact one, in the direction that errs on the safe side.
          CAPTURE(got);
          const Real step = std::fabs(static_cast<Real>(std::nextafterf(got, to)) - got);
          CHECK(std::fabs(got - exact) <= step + tolerance * factor);
        };
        const float threshold = batch.threshold(q, bound);
        const float ceiling = batch.ceiling(q, bound);
        near(threshold, (score - margin) * factor, 1e30F);
        near(ceiling, (score + margin) * factor, -1e30F);
        CHECK(static_cast<double>(threshold) <=
              batch.reach(q, bound) * static_cast<double>(batch.biases()[q]));
        CHECK(static_cast<Real>(ceiling) >= (score + margin - tolerance) * factor);
      }
    }
    // Nothing is known: every item reaches it.
    CHECK(batch.reach(0, -kInfinity) == -kInfinity);
    CHECK(batch.reach(rows.rows - 1, -kInfinity) == -kInfinity);
  }
  // Every cosine of the zero query is 0.
  CHECK(prepared(rows, base::Ranking::cosine).reach(rows.rows - 1, kInfinity) == 0.0);
}

TEST_CASE("margins: codes of a query are the nearest, and their errors grown by 2^-36") {
  for (const std::size_t d : {std::size_t{1}, std::size_t{3}, std::size_t{70}, std::size_t{300}}) {
    const test::Rows rows = many_lengths(80, d);
    const bounds::PreparedQueries batch = prepared(rows, base::Ranking::dot);
    for (const kernels::CodeKernels& kernels : kinds_of_kernels()) {
      for (const bounds::Codes read : kCodes) {
        bounds::QueryCodes codes;
        codes.reserve(rows.rows, d, kernels);
        codes.prepare(batch, d, read, kernels, 1);
        CHECK(codes.narrow() == (read != bounds::Codes::fine && kernels.narrow.screen != nullptr));
        const int most = codes.narrow() ? 127 : kernels.max_query_code;
        const int unit = 1 << (8 - bounds::bits_of(read));
        for (std::size_t q = 0; q < rows.rows; ++q) {
          CAPTURE(d);
          CAPTURE(q);
          CAPTURE(bounds::bits_of(read));
          const Real scale = real(codes.scale(q));
          const std::int8_t* g = codes.codes(q);
          Real coded = 0;
          Real rest = 0;
          Real square = 0;
          Real largest = 0;
          std::int32_t sum = 0;
          for (std::size_t j = 0; j < codes.stride(); ++j) {
            if (j >= d) {
              CHECK(g[j] == 0);
              continue;
            }
            const Real value = static_cast<Real>(batch.values(q)[j]);
            CHECK(std::abs(static_cast<int>(g[j])) <= most);
            CHECK(std::fabs(value - scale * g[j]) <= scale * (0.5L + power(-30)));
            coded += scale * g[j] * scale * g[j];
            rest += (value - scale * g[j]) * (value - scale * g[j]);
            square += value * value;
            largest = std::max(largest, std::fabs(value));
            sum += g[j];
          }
          // The scale is no larger than the largest code takes, or the sums of a span.
          if (!codes.narrow())
            test::check_near(codes.scale(q), largest / most, largest * power(-50));
          else
            CHECK(scale >= largest / most * (1 - power(-50)));
          const Real error = std::sqrt(coded) * (1 + power(-36));
          test::check_near(codes.error_factor(q), error, error * power(-42));
          const Real of_norm =
              (std::sqrt(rest) + power(-36) * std::sqrt(square)) * (1 + power(-36));
          test::check_near(codes.norm_factor(q), of_norm,
                           power(-42) * (of_norm + std::sqrt(square) * power(-4)));
          const float threshold = 0.0F;
          const kernels::CodeQueryTerms terms = codes.terms(q, &threshold);
          CHECK(*terms.error_factor == base::round_up(codes.error_factor(q)));
          CHECK(*terms.norm_factor == base::round_up(codes.norm_factor(q)));
          if (scale > 0)
            CHECK(*terms.inverse_scale == static_cast<float>(1.0 / codes.scale(q)));
          else
            CHECK(static_cast<double>(*terms.inverse_scale) == kInfinity);
          // A product of signed codes from what kernels return, and the start that makes it so.
          const std::int32_t half = unit / 2;
          const std::int32_t offset = codes.narrow()                  ? 128 - half
                                      : read == bounds::Codes::coarse ? kernels.coarse_offset
                                                                      : kernels.offset;
          CHECK(codes.starts()[q] == -offset * sum);
          CHECK(codes.low_start(q) == -half * sum);
          CHECK(codes.low_mask() == unit - 1);
          // Where they meet an item's low nibbles: those of the lower half, then of the upper.
          const std::size_t low = store::low_bytes(d);
          for (std::size_t j = 0; j < 2 * codes.half(); ++j) {
            const bool upper = j >= codes.half();
            const std::size_t from = upper ? low + (j - codes.half()) : j;
            const bool present = upper ? from < d : j < std::min(low, d);
            CHECK(codes.halves(q)[j] == (present ? g[from] : 0));
          }
          CHECK(codes.product(q, 1000) == (codes.narrow() ? 1000 * unit - offset * sum : 1000));
        }
      }
    }
  }
}

TEST_CASE("margins: no 16-bit sum of narrow codes overflows, and limits are rounded up") {
  for (const std::size_t d : {std::size_t{4}, std::size_t{130}, std::size_t{517}}) {
    test::Rows rows = many_lengths(60, d);
    for (std::size_t j = 0; j < d; ++j) rows.values[j] = j % 4 < 2 ? 1.0F : 0x1p-20F;
    for (std::size_t j = 0; j < d; ++j) rows.values[d + j] = j % 4 < 2 ? 0.0F : -1.0F;
    const bounds::PreparedQueries batch = prepared(rows, base::Ranking::dot);
    const kernels::CodeKernels narrow = kinds_of_kernels().back();
    for (const bounds::Codes read :
         {bounds::Codes::coarse, bounds::Codes::five, bounds::Codes::six}) {
      const int bits = bounds::bits_of(read);
      bounds::QueryCodes codes;
      codes.reserve(rows.rows, d, narrow);
      codes.prepare(batch, d, read, narrow, 1);
      const std::size_t span = 4 * kernels::narrow_span(bits);
      for (std::size_t q = 0; q < rows.rows; ++q) {
        int largest = 0;
        Real wanted = 0;  // the same of values
        for (std::size_t begin = 0; begin < d; begin += span) {
          int sums[2] = {};
          Real values[2] = {};
          for (std::size_t j = begin; j < std::min(d, begin + span); ++j) {
            sums[j % 4 / 2] += std::abs(static_cast<int>(codes.codes(q)[j]));
            values[j % 4 / 2] += std::fabs(static_cast<Real>(batch.values(q)[j]));
          }
          largest = std::max({largest, sums[0], sums[1]});
          wanted = std::max({wanted, values[0], values[1]});
        }
        CHECK(largest <= kernels::narrow_most(bits));
        // The scale is as large as that takes, and one in 16 more at most.
        Real most = 0;
        for (std::size_t j = 0; j < d; ++j)
          most = std::max(most, std::fabs(static_cast<Real>(batch.values(q)[j])));
        const Real needed = std::max(most / 127, wanted / kernels::narrow_most(bits));
        CHECK(real(codes.scale(q)) >= needed * (1 - power(-40)));
        CHECK(real(codes.scale(q)) <= needed * (1 + power(-4)));
        // The limit of what kernels return lets pass the products that reach the other, no other.
        for (const std::int32_t limit : {-100'000, -17, -1, 0, 1, 15, 16, 17, 12'345}) {
          std::int32_t returned = limit;
          codes.to_narrow(q, 1, &returned);
          CHECK(codes.product(q, returned) >= limit);
          CHECK(codes.product(q, returned - 1) < limit);
        }
      }
    }
  }
}

TEST_CASE("margins: codes whose sum in 16 bits is just allowed keep their scale") {
  const kernels::CodeKernels narrow = kinds_of_kernels().back();
  test::Rows rows = test::gaussian_rows(1, 40, 1);
  std::fill(rows.values.begin(), rows.values.end(), 0.0F);
  REQUIRE(17 * 127 + 25 == kernels::narrow_most(4));
  for (std::size_t i = 0; i < 18; ++i) rows.values[i / 2 * 4 + i % 2] = i < 17 ? 127.0F : 25.0F;
  const bounds::PreparedQueries batch = prepared(rows, base::Ranking::dot);
  bounds::QueryCodes codes;
  codes.reserve(1, rows.cols, narrow);
  codes.prepare(batch, rows.cols, bounds::Codes::coarse, narrow, 1);
  CHECK(codes.scale(0) == 1.0);
}

TEST_CASE("margins: the least norm that reaches, 2^-30 too small") {
  for (const double square : {1e-12, 0.5, 1.0, 7e11}) {
    const double inverse = bounds::inverse_norm_below(square);
    for (const double reach : {1e-20, 0.3, 4e5}) {
      const Real exact = reach / std::sqrt(real(square));
      test::check_near(bounds::least_norm(reach, inverse), exact * (1 - power(-30)),
                       exact * power(-50));
    }
    CHECK(bounds::least_norm(0.0, inverse) == 0.0);
    CHECK(bounds::least_norm(-1.0, inverse) == 0.0);
    CHECK(bounds::least_norm(-kInfinity, inverse) == 0.0);
  }
  CHECK(bounds::inverse_norm_below(0.0) == 0.0);
  CHECK(bounds::least_norm(2.0, bounds::inverse_norm_below(0.0)) == 0.0);
}

TEST_CASE("margins: a guess is proven only by a key above it") {
  search::QueryState state = search::QueryState::open();
  CHECK(state.bound() == -kInfinity);
  CHECK(state.proven_by(-kInfinity));
  state.guess(1.0);
  CHECK_FALSE(state.proven_by(-kInfinity));
  CHECK_FALSE(state.proven_by(std::nextafter(1.0, 0.0)));
  CHECK_FALSE(state.proven_by(1.0));
  CHECK(state.proven_by(std::nextafter(1.0, 2.0)));
  state = search::QueryState::certain(1.0);
  CHECK(state.proven_by(1.0));
  CHECK(state.bound() == 1.0);
  state.leave_codes();
  CHECK(state.bound() == -kInfinity);
  CHECK(state.proven_by(-kInfinity));
}
