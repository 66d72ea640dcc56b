// The f32 screen's terms, restated in long double (margins.hpp): the whole margin for rounding, and
// little more.

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "bounds/f32_bound.hpp"
#include "bounds/margins.hpp"
#include "store/layout.hpp"
#include "support.hpp"

using namespace maxdot;
using test::power;
using test::Real;
using test::real;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Items of given norms; the bound looks at nothing else.
struct Norms {
  explicit Norms(const std::vector<double>& norms, std::size_t dimension) {
    for (const double norm : norms) squares.push_back(norm * norm);
    store.items = squares.size();
    store.dimension = dimension;
    store.squares = squares.data();
    for (const double square : squares)
      store.largest_square = std::max(store.largest_square, square);
  }
  std::vector<double> squares;
  store::ItemStore store;
};

void near(float got, Real expected) {
  test::check_near(static_cast<double>(got), expected,
                   power(-22) * std::fabs(expected) + power(-149));
}

}  // namespace

TEST_CASE("margins: the terms of the f32 screen are the proof's") {
  std::vector<double> norms(kernels::kTileItems, 1.0);  // a whole tile that is not asked for
  for (const double norm : {0.0, 0x1p-70, 0x1p-61, 0x1.8p-60, 0x1p-60, 1e-3, 0.75, 1.0, 3.3, 5e5})
    norms.push_back(norm);
  for (const std::size_t d : {std::size_t{1}, std::size_t{8}, std::size_t{1000}}) {
    const Norms items(norms, d);
    const Real relative = 2 * (d + Real{40}) * power(-24) * 1.01L;
    for (const base::Ranking ranking :
         {base::Ranking::dot, base::Ranking::cosine, base::Ranking::euclidean}) {
      kernels::TileTerms terms;
      bounds::F32Bound(items.store, ranking).fill(1, terms);
      for (std::size_t i = 0; i < kernels::kTileItems; ++i) {
        CAPTURE(static_cast<int>(ranking));
        CAPTURE(i);
        if (kernels::kTileItems + i >= norms.size()) {
          CHECK(terms.scale[i] == 0.0F);
          CHECK(terms.bias[i] == 0.0F);
          CHECK(terms.slack[i] == 0.0F);
          continue;
        }
        const Real norm = real(norms[kernels::kTileItems + i]);
        CAPTURE(static_cast<double>(norm));
        if (ranking == base::Ranking::cosine) {
          const bool divides = norm >= power(-60);
          near(terms.scale[i], divides ? 1 / norm : Real{0});
          near(terms.bias[i], 0);
          if (divides || norm == 0)
            near(terms.slack[i], relative);
          else
            CHECK(terms.slack[i] == kInfinity);
          continue;
        }
        CHECK(terms.scale[i] == 1.0F);
        near(terms.bias[i],
             ranking == base::Ranking::euclidean ? -(1 - power(-20)) * norm * norm / 2 : Real{0});
        near(terms.slack[i], relative * std::max(norm, power(-60)));
      }
    }
  }
}

TEST_CASE("margins: indexes of norms from 2^-40 to 2^40 are screened, and of zeros") {
  const auto usable = [](std::vector<double> norms) {
    const Norms items(norms, 4);
    return bounds::F32Bound(items.store, base::Ranking::dot).usable();
  };
  CHECK(usable({0.0, 0.0}));
  CHECK(usable({0.0, 0x1p-40}));
  CHECK_FALSE(usable({0.0, 0x0.ffffffp-40}));
  CHECK(usable({1.0, 0x1p40}));
  CHECK_FALSE(usable({1.0, 0x1.000002p40}));
}

TEST_CASE("margins: both sides of the f32 bound, the bias enlarged by 2^-19 + 2^-22 from below") {
  kernels::TileTerms terms{};
  alignas(64) float scores[kernels::kTileItems] = {};
  for (std::size_t i = 0; i < kernels::kTileItems; ++i) {
    scores[i] = i % 3 == 0 ? 0.0F : static_cast<float>(i) - 30.5F;
    terms.bias[i] = i % 4 == 0 ? 0.0F : -1.0F - static_cast<float>(i);
    terms.slack[i] = i % 5 == 0 ? 0.0F : 1e-3F * static_cast<float>(i);
  }
  for (const float factor : {0.25F, 1.0F, 64.0F}) {
    float low[kernels::kTileItems];
    float high[kernels::kTileItems];
    bounds::F32Bound::intervals(terms, scores, factor, low, high);
    for (std::size_t i = 0; i < kernels::kTileItems; ++i) {
      CAPTURE(i);
      const Real bias = static_cast<Real>(factor) * terms.bias[i];
      const Real enlarged = bias * (1 + power(-19) + power(-22));
      const Real rounding = power(-23) * (std::fabs(scores[i]) + std::fabs(bias) + terms.slack[i]);
      test::check_near(static_cast<double>(high[i]), scores[i] + bias + terms.slack[i], rounding);
      test::check_near(static_cast<double>(low[i]), scores[i] + enlarged - terms.slack[i],
                       rounding);
    }
  }
}
