// ItemStore: the immutable items of an index, as arrays. It does not matter to a reader whether
// they lie in memory or in a mapped file. Rows alone may be neither: then they stay in the file,
// and are read by those who can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "maxdot/types.hpp"
#include "store/layout.hpp"
#include "store/row_file.hpp"

namespace maxdot::store {

/// Largest values among the 64 items of a tile: they decide, before any item is looked at, what a
/// screen may drop. f32, rounded up (min_square: to nearest). "unit" values are divided by the
/// item's norm.
struct TileSummary {
  float error_ratio;  ///< |x - s c| <= error_ratio * s for each item
  float scale;
  float coarse_error;
  float norm;
  float min_square;
  float unit_scale;
  float unit_coarse_error;
  float least_scale;  ///< smallest scale / largest, of both kinds the smaller; rounded down
};
static_assert(sizeof(TileSummary) == 32);

/// The same for narrow codes. Apart, because only batches without VNNI read them: a larger summary
/// is felt with one query ("One query" in docs/measurements.md).
struct NarrowRatios {
  float five;  ///< |x - s c| <= five * s, where c has the upper 5 bits of the code
  float six;   ///< the same of 6 bits
};
static_assert(sizeof(NarrowRatios) == 8);

/// What turns an item's code into a bound.
struct ItemTerms {
  float scale;  ///< s of x = s * code + rest, see quantize.hpp
  float norm;   ///< |x|, rounded to f32
};
static_assert(sizeof(ItemTerms) == 8);

struct ItemStore {
  std::size_t items = 0;
  std::size_t dimension = 0;
  DType dtype = DType::f32;
  Metric metric = Metric::cosine;
  bool normalized = false;

  /// [items, dimension] of dtype, packed, 64-byte aligned; 64 bytes after the last row are
  /// readable. Null if they are on the disk.
  const unsigned char* rows = nullptr;
  /// Where they are on the disk; null if they are in memory.
  std::shared_ptr<const RowFile> row_file;
  /// [items] dot64(x, x).
  const double* squares = nullptr;
  /// The codes' high nibbles, [tiles, plane_tile_bytes] (layout.hpp).
  const std::uint8_t* high = nullptr;
  /// Their low nibbles, [tiles, low_tile_bytes].
  const std::uint8_t* low = nullptr;
  /// [tiles * 64] by position; zeros where there is no item.
  const ItemTerms* terms = nullptr;
  const TileSummary* tiles = nullptr;
  /// [tiles].
  const NarrowRatios* narrow_ratios = nullptr;
  /// [tiles * 64]: the row, within its block of 4,096 rows, whose codes stand at a position.
  const std::uint16_t* order = nullptr;
  /// [items], or null: row number = id.
  const std::int64_t* ids = nullptr;
  /// Largest dot64(x, x), 0 for no items.
  double largest_square = 0.0;

  /// Of the file's header, 0 if there is no file.
  std::uint64_t checksum = 0;

  /// Keeps the arrays alive: buffers or a mapping.
  std::shared_ptr<const void> owner;

  std::size_t row_bytes() const noexcept { return dimension * size_of(dtype); }
  /// Requires that rows are in memory.
  const unsigned char* row(std::size_t r) const noexcept { return rows + r * row_bytes(); }
  /// The high nibbles of a tile, and its low ones; `bytes` is plane_tile_bytes(dimension), and
  /// low_tile_bytes(dimension).
  const std::uint8_t* high_tile(std::size_t tile, std::size_t bytes) const noexcept {
    return high + tile * bytes;
  }
  const std::uint8_t* low_tile(std::size_t tile, std::size_t bytes) const noexcept {
    return low + tile * bytes;
  }
  /// The low nibbles of the item at `position`; `bytes` is low_bytes(dimension).
  const std::uint8_t* low_at(std::size_t position, std::size_t bytes) const noexcept {
    return low + position * bytes;
  }
  /// The row whose codes stand at `position`. In a damaged file it may be >= items.
  std::size_t row_at(std::size_t position) const noexcept {
    return row_of(position, order[position]);
  }
  std::int64_t id(std::size_t r) const noexcept {
    return ids == nullptr ? static_cast<std::int64_t>(r) : ids[r];
  }
};

}  // namespace maxdot::store
