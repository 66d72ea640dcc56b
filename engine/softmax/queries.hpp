// Queries made ready for the softmax: exact f32 values, and f32 values whose dot product with an
// item is its logit.
//
// This is not bounds::PreparedQueries, whose copy is scaled by a power of two: an exact step,
// because a screen must bound the error of a score. Here the copy is divided by the temperature,
// and for cosine by the norm, and rounded: it defines the logit that is summed, and
// docs/objectives.md bounds the error of the sum.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "softmax/log_sum_exp.hpp"

namespace maxdot::softmax {

/// Norms of items and of divided queries up to 2^60 keep f32 arithmetic away from overflow; what
/// lies beyond is computed in f64. Cosine also divides by an item's norm, which must not be smaller
/// than 2^-60. These are wider than the range of bounds::F32Bound: a small logit may underflow, no
/// key is compared with it.
inline constexpr double kLargestSquare = 0x1p120;
inline constexpr double kSmallestSquare = 0x1p-120;
inline constexpr double kLargestLogQ = 0x1p60;

class Queries {
 public:
  /// Memory for `count` queries of `dimension`; it is reused. Throws Error (out_of_memory).
  void reserve(std::size_t count, std::size_t dimension);

  /// Converts row `row` of `queries` into place q.
  void prepare(const Logits& logits, const MatrixView& queries, std::size_t row,
               std::size_t q) noexcept;

  std::size_t stride() const noexcept { return stride_; }
  /// The query as given, in f32.
  const float* values(std::size_t q) const noexcept { return values_.data() + q * stride_; }
  /// The query over the temperature, for cosine also over its norm. Rows are stride() apart.
  const float* divided(std::size_t q) const noexcept { return divided_.data() + q * stride_; }
  /// dot64(q, q).
  double square(std::size_t q) const noexcept { return squares_[q]; }
  /// Whether f32 logits may be used for this query.
  bool ordinary(std::size_t q) const noexcept { return ordinary_[q] != 0; }

 private:
  std::size_t stride_ = 0;
  base::AlignedBuffer<float> values_;
  base::AlignedBuffer<float> divided_;
  base::AlignedBuffer<double> squares_;
  base::AlignedBuffer<std::uint8_t> ordinary_;
};

}  // namespace maxdot::softmax
