// How a query lies in memory once it is ready for the kernels: f32, followed by zeros up to a
// multiple of kQueryPadding.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/f16.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/types.hpp"

namespace maxdot::bounds {

/// Elements from one query to the next.
constexpr std::size_t query_stride(std::size_t dimension) noexcept {
  return (dimension + kernels::kQueryPadding - 1) / kernels::kQueryPadding * kernels::kQueryPadding;
}

/// Writes row `row` of `queries` as f32, exactly, and zeros up to query_stride(queries.cols).
inline void load_query(const MatrixView& queries, std::size_t row, float* out) noexcept {
  base::to_f32(queries.row(row), queries.dtype, queries.cols, out);
  std::fill(out + queries.cols, out + query_stride(queries.cols), 0.0F);
}

}  // namespace maxdot::bounds
