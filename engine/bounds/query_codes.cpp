#include "bounds/query_codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/parallel.hpp"
#include "base/rounding.hpp"
#include "store/layout.hpp"

namespace maxdot::bounds {
namespace {

constexpr std::size_t kQueriesPerTask = 64;

// More than the f64 rounding of a sum of d <= 32,768 terms, relatively, with a square root.
constexpr double kGrow = 1.0 + 0x1p-36;
// dot64 and the steps from it to a key stay within this of the true value, relative to |q| |x|.
constexpr double kKeyRounding = 0x1p-36;

}  // namespace

void QueryCodes::reserve(std::size_t count, std::size_t dimension) {
  stride_ = store::quads_of(dimension) * store::kQuadDimensions;
  const std::size_t low = store::low_bytes(dimension);
  half_ = (low + kernels::kLowPadding - 1) / kernels::kLowPadding * kernels::kLowPadding;
  codes_.ensure(count * stride_, "query codes");
  halves_.ensure(count * 2 * half_, "query codes");
  low_starts_.ensure(count, "query codes");
  starts_.ensure(count, "query codes");
  scales_.ensure(count, "query codes");
  error_factors_.ensure(count, "query codes");
  norm_factors_.ensure(count, "query codes");
  inverse_scales_f32_.ensure(count, "query codes");
  error_factors_f32_.ensure(count, "query codes");
  norm_factors_f32_.ensure(count, "query codes");
}

void QueryCodes::prepare(const PreparedQueries& queries, std::size_t dimension,
                         const kernels::CodeKernels& kernels, int threads) noexcept {
  const std::size_t count = queries.size();
  base::parallel_for((count + kQueriesPerTask - 1) / kQueriesPerTask, threads,
                     [&](std::size_t task, int) noexcept {
                       const std::size_t end = std::min(count, (task + 1) * kQueriesPerTask);
                       for (std::size_t q = task * kQueriesPerTask; q < end; ++q)
                         prepare_one(queries, q, dimension, kernels);
                     });
}

void QueryCodes::prepare_one(const PreparedQueries& queries, std::size_t q, std::size_t dimension,
                             const kernels::CodeKernels& kernels) noexcept {
  const float* values = queries.values(q);
  std::int8_t* codes = codes_.data() + q * stride_;
  double largest = 0.0;
  for (std::size_t j = 0; j < dimension; ++j)
    largest = std::max(largest, std::fabs(static_cast<double>(values[j])));
  const double most = kernels.max_query_code;
  const double scale = largest / most;
  const double inverse = scale > 0.0 ? 1.0 / scale : 0.0;
  std::int32_t sum = 0;
  double code_square = 0.0;
  double rest_square = 0.0;
  for (std::size_t j = 0; j < dimension; ++j) {
    const double x = static_cast<double>(values[j]);
    const double wanted = std::clamp(x * inverse, -most, most);
    const int code = static_cast<int>(wanted + (wanted < 0.0 ? -0.5 : 0.5));
    codes[j] = static_cast<std::int8_t>(code);
    sum += code;
    const double rest = x - scale * static_cast<double>(code);
    code_square += static_cast<double>(code * code);
    rest_square += rest * rest;
  }
  std::memset(codes + dimension, 0, stride_ - dimension);

  const std::size_t low = store::low_bytes(dimension);
  std::int8_t* halves = halves_.data() + q * 2 * half_;
  std::memset(halves, 0, 2 * half_);
  std::memcpy(halves, codes, std::min(low, stride_));
  if (stride_ > low) std::memcpy(halves + half_, codes + low, stride_ - low);

  starts_[q] = -kernels.offset * sum;
  // A coarse code is 16h - 120, a fine one 16h - 128 + l.
  low_starts_[q] = -8 * sum;
  scales_[q] = scale;
  error_factors_[q] = scale * std::sqrt(code_square) * kGrow;
  norm_factors_[q] = (std::sqrt(rest_square) + kKeyRounding * std::sqrt(queries.square(q))) * kGrow;
  inverse_scales_f32_[q] = static_cast<float>(1.0 / scale);
  error_factors_f32_[q] = base::round_up(error_factors_[q]);
  norm_factors_f32_[q] = base::round_up(norm_factors_[q]);
}

}  // namespace maxdot::bounds
