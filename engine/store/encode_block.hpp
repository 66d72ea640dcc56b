// A block or a tile of rows at a time: what encode writes, and what a verification computes again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "maxdot/matrix.hpp"
#include "store/quantize.hpp"

namespace maxdot::store {

/// What the rows of a block are ordered by: max|x|, or max|x|/|x| where items count as `unit`
/// vectors. `square` is dot64(x, x).
float order_size(const float* row, double square, std::size_t d, bool unit) noexcept;

/// The rows of a block, largest first; equal ones in the order of rows. Writes `rows` numbers.
void order_block(const float* sizes, std::size_t rows, std::uint16_t* order) noexcept;

/// The codes, terms and summary of tile `tile`. `squares` are those of all rows, `order` that of
/// all positions; it must name rows of the view. `scratch` has room for kTileItems rows of f32.
void encode_tile(const MatrixView& view, const double* squares, const std::uint16_t* order,
                 std::size_t tile, float* scratch, const TileCodes& out) noexcept;

}  // namespace maxdot::store
