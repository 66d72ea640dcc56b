#include "bounds/prepared_queries.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.hpp"
#include "base/rounding.hpp"
#include "bounds/f32_bound.hpp"
#include "bounds/query_row.hpp"

namespace maxdot::bounds {
namespace {

constexpr std::size_t kQueriesPerTask = 64;

}  // namespace

void PreparedQueries::reserve(std::size_t count, std::size_t dimension) {
  stride_ = query_stride(dimension);
  values_.ensure(count * stride_, "queries");
  scaled_.ensure(count * stride_, "queries");
  squares_.ensure(count, "queries");
  biases_.ensure(count, "queries");
  screenable_.ensure(count, "queries");
}

void PreparedQueries::prepare(const MatrixView& queries, std::span<const std::size_t> rows,
                              base::Ranking ranking, const kernels::KernelTable& table,
                              int threads) noexcept {
  const std::size_t count = rows.size();
  ranking_ = ranking;
  size_ = count;
  base::parallel_for((count + kQueriesPerTask - 1) / kQueriesPerTask, threads,
                     [&](std::size_t task, int) noexcept {
                       const std::size_t end = std::min(count, (task + 1) * kQueriesPerTask);
                       for (std::size_t q = task * kQueriesPerTask; q < end; ++q)
                         prepare_one(queries, rows[q], q, table);
                     });
}

void PreparedQueries::prepare_one(const MatrixView& queries, std::size_t row, std::size_t q,
                                  const kernels::KernelTable& table) noexcept {
  float* values = values_.data() + q * stride_;
  float* scaled = scaled_.data() + q * stride_;
  load_query(queries, row, values);

  const double square = table.dot64[0](values, values, queries.cols);
  squares_[q] = square;
  screenable_[q] = in_f32_range(square) ? 1 : 0;
  const int exponent = square == 0.0 ? 0 : std::ilogb(std::sqrt(square));
  const double factor = std::ldexp(1.0, -exponent);
  biases_[q] = static_cast<float>(factor);
  for (std::size_t j = 0; j < stride_; ++j) {
    scaled[j] = static_cast<float>(static_cast<double>(values[j]) * factor);
  }
}

float PreparedQueries::threshold(std::size_t q, double bound) const noexcept {
  return base::round_down(reach(q, bound) * static_cast<double>(biases_[q]));
}

float PreparedQueries::ceiling(std::size_t q, double bound) const noexcept {
  const Scored scored = scored_of(q, bound);
  return base::round_up((scored.score + scored.margin) * static_cast<double>(biases_[q]));
}

double PreparedQueries::reach(std::size_t q, double bound) const noexcept {
  const Scored scored = scored_of(q, bound);
  return scored.score - scored.margin;
}

PreparedQueries::Scored PreparedQueries::scored_of(std::size_t q, double bound) const noexcept {
  switch (ranking_) {
    case base::Ranking::dot:
      return {bound, 0.0};
    case base::Ranking::cosine:
      // Every cosine of a zero query is 0. The product of 0 and an infinite bound would be NaN.
      return {squares_[q] > 0.0 ? bound * std::sqrt(squares_[q]) : std::min(bound, 0.0), 0.0};
    case base::Ranking::euclidean:
      // -|q-x|^2 >= bound  <=>  q·x - |x|^2/2 >= (bound + |q|^2) / 2. The sum cancels: the margin
      // covers the f64 rounding of both sides (a few 2^-53 of the terms).
      return {0.5 * (bound + squares_[q]), 0x1p-45 * (std::fabs(bound) + squares_[q])};
  }
  return {-std::numeric_limits<double>::infinity(), 0.0};
}

}  // namespace maxdot::bounds
