// QueryCodes: the queries of a PreparedQueries as integer codes, with their errors measured. q = t
// g + rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "bounds/prepared_queries.hpp"
#include "kernels/kernels.hpp"

namespace maxdot::bounds {

class QueryCodes {
 public:
  /// Memory for `count` queries of `dimension`; it is reused. Throws Error (out_of_memory).
  void reserve(std::size_t count, std::size_t dimension);

  /// Encodes every query of `queries`. Requires reserve() for at least as many.
  void prepare(const PreparedQueries& queries, std::size_t dimension,
               const kernels::CodeKernels& kernels, int threads) noexcept;

  /// Memory held, about.
  std::size_t bytes() const noexcept { return codes_.size() + halves_.size(); }
  std::size_t stride() const noexcept { return stride_; }
  const std::int8_t* codes(std::size_t q) const noexcept { return codes_.data() + q * stride_; }
  /// Where the kernels' sums start for each query.
  const std::int32_t* starts() const noexcept { return starts_.data(); }

  /// The same codes in the order in which they meet an item's low nibbles, 2 * half() of them.
  const std::int8_t* halves(std::size_t q) const noexcept { return halves_.data() + q * 2 * half_; }
  std::size_t half() const noexcept { return half_; }
  /// What low_product() starts from to turn a coarse product into a fine one.
  std::int32_t low_start(std::size_t q) const noexcept { return low_starts_[q]; }

  /// t, 0 for a zero query.
  double scale(std::size_t q) const noexcept { return scales_[q]; }
  /// At least |t g|: the factor of an item's error.
  double error_factor(std::size_t q) const noexcept { return error_factors_[q]; }
  /// At least |q - t g| and the rounding of dot64: the factor of an item's norm.
  double norm_factor(std::size_t q) const noexcept { return norm_factors_[q]; }
  /// The same in f32, as the kernels' limits want them; `threshold` is the scan's own.
  kernels::CodeQueryTerms terms(std::size_t first, const float* threshold) const noexcept {
    return {threshold, inverse_scales_f32_.data() + first, error_factors_f32_.data() + first,
            norm_factors_f32_.data() + first};
  }

 private:
  void prepare_one(const PreparedQueries& queries, std::size_t q, std::size_t dimension,
                   const kernels::CodeKernels& kernels) noexcept;

  std::size_t stride_ = 0;
  base::AlignedBuffer<std::int8_t> codes_;
  std::size_t half_ = 0;
  base::AlignedBuffer<std::int8_t> halves_;
  base::AlignedBuffer<std::int32_t> starts_;
  base::AlignedBuffer<std::int32_t> low_starts_;
  base::AlignedBuffer<double> scales_;
  base::AlignedBuffer<double> error_factors_;
  base::AlignedBuffer<double> norm_factors_;
  base::AlignedBuffer<float> inverse_scales_f32_;
  base::AlignedBuffer<float> error_factors_f32_;
  base::AlignedBuffer<float> norm_factors_f32_;
};

}  // namespace maxdot::bounds
