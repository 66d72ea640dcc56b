// quantize: from rows to the codes that the screens read, with the error of each measured, not
// assumed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "store/item_store.hpp"

namespace maxdot::store {

/// Where the codes of one tile go.
struct TileCodes {
  std::uint8_t* high;  ///< plane_tile_bytes(), see layout.hpp
  std::uint8_t* low;   ///< low_tile_bytes()
  ItemTerms* terms;    ///< [64]
  TileSummary* summary;
  NarrowRatios* narrow;
};

/// max |x_j|.
float largest_magnitude(const float* row, std::size_t dimension) noexcept;

/// Encodes `count` <= 64 rows, [count, dimension] f32 packed, whose dot64 squares are given. Row x
/// gets signed codes c in [-127, 127] and the scale s = max|x| / 127. Its code of b bits is the
/// middle of all codes that share the upper b bits of c + 128; that of 4 bits, the coarse code, is
/// 16h - 120, where h is the high nibble. The errors are computed in f64 and rounded up:
/// |x - s c| <= summary.error_ratio * s, the same of 5 and 6 bits with narrow.five and narrow.six,
/// and |x - s (16h - 120)| <= summary.coarse_error. Absent items get codes and scales 0.
void quantize_tile(const float* rows, const double* squares, std::size_t count,
                   std::size_t dimension, const TileCodes& out) noexcept;

}  // namespace maxdot::store
