// QueryCodes: the queries of a PreparedQueries as integer codes, with their errors measured. q = t
// g + rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "bounds/prepared_queries.hpp"
#include "kernels/kernels.hpp"

namespace maxdot::bounds {

/// Which codes of the items are read: their upper 4, 5 or 6 bits, or all 8.
enum class Codes : std::uint8_t { coarse = 4, five = 5, six = 6, fine = 8 };

constexpr int bits_of(Codes codes) noexcept { return static_cast<int>(codes); }

class QueryCodes {
 public:
  /// Memory for `count` queries of `dimension`; it is reused. Throws Error (out_of_memory).
  void reserve(std::size_t count, std::size_t dimension, const kernels::CodeKernels& kernels);

  /// Encodes every query of `queries` for items of which `read` is read. Requires reserve() for at
  /// least as many.
  void prepare(const PreparedQueries& queries, std::size_t dimension, Codes read,
               const kernels::CodeKernels& kernels, int threads) noexcept;

  /// Whether the kernels of narrow codes meet them. Their products are of other units.
  bool narrow() const noexcept { return narrow_; }
  /// What a kernel returned for query q as the product of signed codes.
  std::int32_t product(std::size_t q, std::int32_t returned) const noexcept {
    return narrow_ ? returned * unit_ + starts_[q] : returned;
  }
  /// From limits of products of signed codes to limits of what the narrow kernels return, for
  /// queries [first, first + count). Requires narrow(), limits of at most kMaxCodeLimit.
  void to_narrow(std::size_t first, std::size_t count, std::int32_t* limits) const noexcept;

  /// Memory held, about.
  std::size_t bytes() const noexcept { return codes_.size() + halves_.size(); }
  std::size_t stride() const noexcept { return stride_; }
  const std::int8_t* codes(std::size_t q) const noexcept { return codes_.data() + q * stride_; }
  /// Where the kernels' sums start for each query.
  const std::int32_t* starts() const noexcept { return starts_.data(); }

  /// The same codes in the order in which they meet an item's low nibbles, 2 * half() of them.
  const std::int8_t* halves(std::size_t q) const noexcept { return halves_.data() + q * 2 * half_; }
  std::size_t half() const noexcept { return half_; }
  /// What low_product() starts from, and the bits that it looks at, to turn a product of the upper
  /// bits into one of all.
  std::int32_t low_start(std::size_t q) const noexcept { return low_starts_[q]; }
  std::uint8_t low_mask() const noexcept { return low_mask_; }

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

  Codes read_ = Codes::fine;
  bool narrow_ = false;
  std::int32_t unit_ = 1;  // of what the narrow kernels return, in products of signed codes
  std::uint8_t low_mask_ = 0;
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
