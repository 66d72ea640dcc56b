// The softmax kernels bit by bit against the reference, and the reference's exponential against the
// true one.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/kernels.hpp"
#include "support.hpp"

using namespace maxdot;
using kernels::kTileItems;

TEST_CASE("softmax kernels give the reference's bits on every instruction set") {
  const kernels::KernelTable& reference = kernels::reference_table();
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    for (const std::size_t d :
         {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{100}}) {
      constexpr std::size_t count = 9;
      const std::size_t stride = (d + 15) / 16 * 16;
      const test::Rows items = test::gaussian_rows(kTileItems, d, d);
      const test::Rows queries = test::gaussian_rows(count, stride, d + 1);
      base::AlignedBuffer<float> rows(items.values.size(), "rows");
      std::copy(items.values.begin(), items.values.end(), rows.data());
      base::AlignedBuffer<float> panel(d * kTileItems, "panel");
      base::AlignedBuffer<float> terms(2 * kTileItems, "terms");
      test::Random random(d);
      for (std::size_t i = 0; i < 2 * kTileItems; ++i) terms[i] = random.gaussian();
      base::AlignedBuffer<float> expected(count * kTileItems, "logits");
      base::AlignedBuffer<float> got(count * kTileItems, "logits");
      reference.pack_panel[0](rows.data(), kTileItems, d, panel.data());
      const auto run = [&](const kernels::KernelTable& with, base::AlignedBuffer<float>& out) {
        with.logits_panel(panel.data(), d, queries.values.data(), stride, count, terms.data(),
                          terms.data() + kTileItems, out.data());
      };
      run(reference, expected);
      run(*table, got);
      REQUIRE(std::memcmp(got.data(), expected.data(), count * kTileItems * sizeof(float)) == 0);
    }

    // Tiles of logits that rise, fall, jump, and lie far apart.
    std::vector<kernels::SoftmaxState> got(3);
    for (kernels::SoftmaxState& state : got) {
      std::fill(state.largest, state.largest + kernels::kSoftmaxLanes, -0x1p126F);
      std::fill(state.sum, state.sum + kernels::kSoftmaxLanes, 0.0F);
      std::fill(state.lost, state.lost + kernels::kSoftmaxLanes, 0.0F);
    }
    std::vector<kernels::SoftmaxState> expected = got;
    test::Random random(5);
    alignas(64) float logits[3 * kTileItems];
    for (int tile = 0; tile < 300; ++tile) {
      const float spread = std::ldexp(1.0F, static_cast<int>(random.below(12)) - 4);
      for (float& logit : logits)
        logit = random.below(50) == 0 ? -0x1p127F : spread * random.gaussian();
      reference.accumulate_exp(logits, 3, expected.data());
      table->accumulate_exp(logits, 3, got.data());
      REQUIRE(std::memcmp(got.data(), expected.data(), 3 * sizeof(kernels::SoftmaxState)) == 0);
    }
  }
}

TEST_CASE("the f32 exponential is within 2^-23 of the true one, everywhere it is used") {
  double worst = 0;
  for (float x = 8.0F; x >= -87.0F; x = x > -1.0F ? x - 1.3e-5F : x * 1.00001F) {
    alignas(64) float logits[kTileItems];
    std::fill(logits, logits + kTileItems, -0x1p127F);
    kernels::SoftmaxState state = {};
    logits[0] = x;  // above the state's largest, 0, by no more than a step
    kernels::reference_table().accumulate_exp(logits, 1, &state);
    const double expected = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::fabs(static_cast<double>(state.sum[0]) / expected - 1.0));
  }
  CHECK(worst < 0x1p-23);
  CHECK(worst > 0);
}
