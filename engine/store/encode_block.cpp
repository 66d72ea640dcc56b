#include "store/encode_block.hpp"

#include <algorithm>
#include <cmath>

#include "base/f16.hpp"
#include "store/layout.hpp"

namespace maxdot::store {

float order_size(const float* row, double square, std::size_t d, bool unit) noexcept {
  const double size = static_cast<double>(largest_magnitude(row, d));
  return static_cast<float>(unit && square > 0.0 ? size / std::sqrt(square) : size);
}

void order_block(const float* sizes, std::size_t rows, std::uint16_t* order) noexcept {
  for (std::size_t i = 0; i < rows; ++i) order[i] = static_cast<std::uint16_t>(i);
  std::sort(order, order + rows, [sizes](std::uint16_t a, std::uint16_t b) {
    return sizes[a] > sizes[b] || (sizes[a] == sizes[b] && a < b);
  });
}

void encode_tile(const MatrixView& view, const double* squares, const std::uint16_t* order,
                 std::size_t tile, float* scratch, const TileCodes& out) noexcept {
  const std::size_t first = first_of_tile(tile);
  const std::size_t count = items_in_tile(view.rows, tile);
  double tile_squares[kernels::kTileItems];
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t r = row_of(first + i, order[first + i]);
    base::to_f32(view.row(r), view.dtype, view.cols, scratch + i * view.cols);
    tile_squares[i] = squares[r];
  }
  quantize_tile(scratch, tile_squares, count, view.cols, out);
}

}  // namespace maxdot::store
