// Rows of f16 and f32 as f32 or f64, without loss.
#pragma once

#include <cstddef>

#include "maxdot/matrix.hpp"

namespace maxdot::judge {

/// Writes the row's `rows.cols` values. Requires r < rows.rows.
void widen_row(const MatrixView& rows, std::size_t r, float* out) noexcept;
void widen_row(const MatrixView& rows, std::size_t r, double* out) noexcept;

}  // namespace maxdot::judge
