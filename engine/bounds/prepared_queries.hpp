// PreparedQueries: queries made ready for a scan. Exact f32 values for rescoring, and a copy scaled
// by a power of two and padded for the screens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/aligned_buffer.hpp"
#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/types.hpp"

namespace maxdot::bounds {

class PreparedQueries {
 public:
  /// Memory for `count` queries of `dimension`; it is reused. Throws Error (out_of_memory).
  void reserve(std::size_t count, std::size_t dimension);

  /// Converts the named rows of `queries` for the given ranking.
  /// Requires finite values, and reserve() for at least as many.
  void prepare(const MatrixView& queries, std::span<const std::size_t> rows, base::Ranking ranking,
               const kernels::KernelTable& table, int threads) noexcept;

  std::size_t size() const noexcept { return size_; }
  /// Memory held, about.
  std::size_t bytes() const noexcept { return (values_.size() + scaled_.size()) * sizeof(float); }
  std::size_t stride() const noexcept { return stride_; }
  /// The query as given, in f32, zero-padded to stride().
  const float* values(std::size_t q) const noexcept { return values_.data() + q * stride_; }
  /// The query times a power of two that brings its norm into [1, 2), zero-padded. Rows are
  /// stride() apart.
  const float* scaled(std::size_t q) const noexcept { return scaled_.data() + q * stride_; }
  /// dot64(q, q).
  double square(std::size_t q) const noexcept { return squares_[q]; }
  /// That power of two: the factor of an item's bias (TileTerms) for this query.
  const float* biases() const noexcept { return biases_.data(); }
  /// Whether f32 screens may be used for this query.
  bool screenable(std::size_t q) const noexcept { return screenable_[q] != 0; }

  /// The f32 screen's threshold for "key < bound is out", rounded down: every item whose upper
  /// bound (TileTerms) lies below it has a key below `bound`.
  float threshold(std::size_t q, double bound) const noexcept;

  /// The same from above, for "key > bound is certain", rounded up: every item whose lower bound
  /// (F32Bound::intervals) lies above it has a key above `bound`.
  float ceiling(std::size_t q, double bound) const noexcept;

  /// The same in the query's own units: an item can reach `bound` only if
  ///   dot: q·x, cosine: q·x / |x|, euclidean: q·x - |x|^2 / 2
  /// is at least this. Covers the f64 rounding of the key of a squared distance.
  double reach(std::size_t q, double bound) const noexcept;

 private:
  // A key in the query's own units, and how far f64 rounding may have moved it there.
  struct Scored {
    double score;
    double margin;
  };

  void prepare_one(const MatrixView& queries, std::size_t row, std::size_t q,
                   const kernels::KernelTable& table) noexcept;
  Scored scored_of(std::size_t q, double bound) const noexcept;

  base::Ranking ranking_ = base::Ranking::dot;
  std::size_t size_ = 0;
  std::size_t stride_ = 0;
  base::AlignedBuffer<float> values_;
  base::AlignedBuffer<float> scaled_;
  base::AlignedBuffer<double> squares_;
  base::AlignedBuffer<float> biases_;
  base::AlignedBuffer<std::uint8_t> screenable_;
};

}  // namespace maxdot::bounds
