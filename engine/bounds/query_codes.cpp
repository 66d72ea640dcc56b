#include "bounds/query_codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

// The step by which a query's scale grows until its codes suit the narrow kernels.
constexpr double kCoarser = 1.0 + 0x1p-8;

void encode(const float* values, std::size_t dimension, double scale, double most,
            std::int8_t* codes) noexcept {
  const double inverse = scale > 0.0 ? 1.0 / scale : 0.0;
  for (std::size_t j = 0; j < dimension; ++j) {
    const double wanted = std::clamp(static_cast<double>(values[j]) * inverse, -most, most);
    codes[j] = static_cast<std::int8_t>(static_cast<int>(wanted + (wanted < 0.0 ? -0.5 : 0.5)));
  }
}

/// The largest sum of magnitude(j) over the dimensions of a span that meet in one 16-bit sum
/// (kernels::narrow_most).
template <typename Magnitude>
double largest_pair_sum(std::size_t dimension, std::size_t span,
                        const Magnitude& magnitude) noexcept {
  double largest = 0.0;
  for (std::size_t begin = 0; begin < dimension; begin += span) {
    const std::size_t end = std::min(dimension, begin + span);
    double sums[2] = {0.0, 0.0};
    for (std::size_t j = begin; j < end; ++j) sums[j / 2 % 2] += magnitude(j);
    largest = std::max({largest, sums[0], sums[1]});
  }
  return largest;
}

}  // namespace

void QueryCodes::reserve(std::size_t count, std::size_t dimension,
                         const kernels::CodeKernels& kernels) {
  const std::size_t padding = kernels.query_padding;
  stride_ = (dimension + padding - 1) / padding * padding;
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

void QueryCodes::prepare(const PreparedQueries& queries, std::size_t dimension, Codes read,
                         const kernels::CodeKernels& kernels, int threads) noexcept {
  read_ = read;
  narrow_ = read != Codes::fine && kernels.narrow.screen != nullptr;
  unit_ = 1 << (8 - bits_of(read));
  low_mask_ = static_cast<std::uint8_t>(unit_ - 1);
  const std::size_t count = queries.size();
  base::parallel_for((count + kQueriesPerTask - 1) / kQueriesPerTask, threads,
                     [&](std::size_t task, int) noexcept {
                       const std::size_t end = std::min(count, (task + 1) * kQueriesPerTask);
                       for (std::size_t q = task * kQueriesPerTask; q < end; ++q)
                         prepare_one(queries, q, dimension, kernels);
                     });
}

void QueryCodes::to_narrow(std::size_t first, std::size_t count,
                           std::int32_t* limits) const noexcept {
  const std::int32_t* starts = starts_.data() + first;
  const int shift = 8 - bits_of(read_);
  // Rounded up: returned * unit + start >= limit <=> returned >= (limit - start) / unit.
  for (std::size_t q = 0; q < count; ++q) limits[q] = (limits[q] - starts[q] + unit_ - 1) >> shift;
}

void QueryCodes::prepare_one(const PreparedQueries& queries, std::size_t q, std::size_t dimension,
                             const kernels::CodeKernels& kernels) noexcept {
  const float* values = queries.values(q);
  std::int8_t* codes = codes_.data() + q * stride_;
  double largest = 0.0;
  for (std::size_t j = 0; j < dimension; ++j)
    largest = std::max(largest, std::fabs(static_cast<double>(values[j])));
  const double most = narrow_ ? 127 : kernels.max_query_code;
  double scale = largest / most;
  if (narrow_) {
    const int bits = bits_of(read_);
    const std::size_t span = kernels::narrow_span(bits) * store::kQuadDimensions;
    const double allowed = kernels::narrow_most(bits);
    const auto magnitude = [values](std::size_t j) {
      return std::fabs(static_cast<double>(values[j]));
    };
    scale = std::max(scale, largest_pair_sum(dimension, span, magnitude) / allowed);
    // Rounding may make the sums a little larger.
    for (;; scale *= kCoarser) {
      encode(values, dimension, scale, most, codes);
      const auto code = [codes](std::size_t j) { return std::abs(static_cast<double>(codes[j])); };
      if (!(largest_pair_sum(dimension, span, code) > allowed)) break;
    }
  } else {
    encode(values, dimension, scale, most, codes);
  }
  std::int32_t sum = 0;
  double code_square = 0.0;
  double rest_square = 0.0;
  for (std::size_t j = 0; j < dimension; ++j) {
    const int code = codes[j];
    sum += code;
    const double rest = static_cast<double>(values[j]) - scale * static_cast<double>(code);
    code_square += static_cast<double>(code * code);
    rest_square += rest * rest;
  }
  std::memset(codes + dimension, 0, stride_ - dimension);

  const std::size_t low = store::low_bytes(dimension);
  std::int8_t* halves = halves_.data() + q * 2 * half_;
  std::memset(halves, 0, 2 * half_);
  const std::size_t whole = store::quads_of(dimension) * store::kQuadDimensions;
  std::memcpy(halves, codes, std::min(low, whole));
  if (whole > low) std::memcpy(halves + half_, codes + low, whole - low);

  // A code of b bits is unit * (v + 1/2) - 128; the fine one has the bits of low_mask for unit / 2.
  const std::int32_t half = unit_ / 2;
  const std::int32_t offset = narrow_                  ? 128 - half
                              : read_ == Codes::coarse ? kernels.coarse_offset
                                                       : kernels.offset;
  starts_[q] = -offset * sum;
  low_starts_[q] = -half * sum;
  scales_[q] = scale;
  error_factors_[q] = scale * std::sqrt(code_square) * kGrow;
  norm_factors_[q] = (std::sqrt(rest_square) + kKeyRounding * std::sqrt(queries.square(q))) * kGrow;
  inverse_scales_f32_[q] = static_cast<float>(1.0 / scale);
  error_factors_f32_[q] = base::round_up(error_factors_[q]);
  norm_factors_f32_[q] = base::round_up(norm_factors_[q]);
}

}  // namespace maxdot::bounds
