// The softmax's and the losses' very bits. They are the same on every CPU and from every compiler
// (docs/objectives.md), so they stand here: another number is a change of results, whatever its
// size.
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "kernels/kernels.hpp"
#include "maxdot/maxdot.hpp"
#include "maxdot/objective.hpp"
#include "softmax/log_sum_exp.hpp"
#include "store/encode.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

constexpr std::size_t kQueries = 4;
constexpr std::size_t kItems = 40000;  // three chunks
constexpr std::size_t kDimension = 12;

std::vector<double> log_partitions(const kernels::KernelTable& table, base::Ranking ranking,
                                   double temperature, const double* log_q, bool unusual) {
  test::Rows items = test::gaussian_rows(kItems, kDimension, 1);
  if (unusual) {
    for (std::size_t j = 0; j < kDimension; ++j)
      items.values[20000 * kDimension + j] *= 0x1p62F;  // in f64
  }
  const test::Rows queries = test::gaussian_rows(kQueries, kDimension, 2);
  Matrix rows(items.rows, items.cols, DType::f32);
  std::memcpy(rows.data(), items.values.data(), items.values.size() * sizeof(float));
  const auto store = store::encode(std::move(rows), {Metric::dot, false, {}, 1}, table);
  std::vector<double> out(kQueries);
  softmax::log_sum_exp({*store, table, ranking, temperature, log_q}, queries.view(), nullptr, 2,
                       out.data());
  return out;
}

using Bits = std::vector<double>;

}  // namespace

TEST_CASE("log_partition has these bits, from every kernel table") {
  std::vector<double> log_q(kItems);
  for (std::size_t row = 0; row < kItems; ++row)
    log_q[row] = -0.125 * static_cast<double>(row % 61) - 1.0;
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    CHECK(
        log_partitions(*table, base::Ranking::dot, 1.0, nullptr, false) ==
        Bits{0x1.423518e0096d2p+4, 0x1.572ba04d40f82p+4, 0x1.0053a83193bbdp+4, 0x1.14f0235d2f9p+4});
    CHECK(log_partitions(*table, base::Ranking::dot, 0.05, log_q.data(), false) ==
          Bits{0x1.6c9778cdfbea2p+8, 0x1.a4a592p+8, 0x1.07f2905e11b98p+8, 0x1.3e1cee647243ep+8});
    CHECK(
        log_partitions(*table, base::Ranking::cosine, 0.05, nullptr, true) ==
        Bits{0x1.508f659e35a7p+4, 0x1.4f8c2628639fp+4, 0x1.4efea701b7b4ep+4, 0x1.4bad972951dcep+4});
  }
}

TEST_CASE("losses and probabilities have these bits") {
  const test::Rows items = test::gaussian_rows(3000, 10, 3);
  const test::Rows queries = test::gaussian_rows(3, 10, 4);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const std::vector<std::int64_t> positives = {7, 1500, 2999};
  std::vector<double> losses(3);
  std::vector<double> gradient(3);
  std::vector<double> partition(3);
  objective::full_softmax(index, queries.view(), positives, {.temperature = 0.2},
                          {.losses = losses, .gradient = gradient, .log_partition = partition});
  CHECK(losses == Bits{0x1.145078e456576p+6, 0x1.01e0a2ebc970ep+3, 0x1.1749d20f5c7d6p+5});
  CHECK(gradient == Bits{-0x1.4p+2, -0x1.3fe615b9faeap+2, -0x1.3fffffffffffcp+2});
  CHECK(partition == Bits{0x1.3f5d68000006dp+6, 0x1.0dcaf50b4faf6p+5, 0x1.b96c7c294ad38p+5});
  std::vector<double> likely(3);
  objective::probabilities(index, queries.view(), positives, partition, likely,
                           {.temperature = 0.2});
  CHECK(likely == Bits{0x1.442ef1ccc9ae8p-100, 0x1.4bb6b3744c366p-12, 0x1.8d4763ada38a4p-51});

  const std::vector<double> scores = {0.3, -2.5, 7.25, -0.001};
  const std::vector<double> labels = {1.0, 0.0, 0.25, 1.0};
  std::vector<double> four(4);
  objective::bce(scores, labels, 0.7, four);
  CHECK(four == Bits{0x1.00d7e24b0a0bcp-1, 0x1.c64a4729a056p-6, 0x1.f125178419b6dp+2,
                     0x1.6341d7f283b77p-1});
  std::vector<double> two(2);
  objective::cross_entropy(std::vector<double>{0.3, 1.0}, scores, 0.7, {.losses = two});
  CHECK(two == Bits{0x1.678f0edd85c28p-1, 0x1.1db833e4a29f3p+3});
  objective::probability(scores, four, 0.7);
  CHECK(four == Bits{0x1.36085aaa8e4ffp-1, 0x1.c00cbcbc2db67p-6, 0x1.fffbd62cac3dbp-1,
                     0x1.ffa2608d7a4efp-2});
}
