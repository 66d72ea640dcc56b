// Where the codes of an item lie: the only address arithmetic on them.
//
// Rows are taken in blocks of 4,096. Within a block the codes stand in descending order of scale,
// so that a tile's items are alike and one limit fits them all: `order` says which row of the block
// a position holds.
//
// A tile is 64 positions, four groups of 16. A line is 64 bytes: 16 items x 4 dimensions,
// item-major, which is what vpdpbusd, sdot and vpmaddubsw+vpmaddwd want. A code is a byte u in 1 to
// 255 (128 + the signed code), split into its high and its low nibble.
//
// The high nibbles lie in a plane that is streamed. A line of it holds those of two groups: of
// group 2h in the low half of each byte, of group 2h + 1 in the high half.
//
// The low nibbles lie item by item, because few queries read them for the few items that the high
// nibbles let through: an item has B bytes of them, byte b with dimension b in its low half and B +
// b in its high half. A batch, which wants whole bytes in lines like the plane's, transposes them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace maxdot::store {

inline constexpr std::size_t kLineBytes = 64;
inline constexpr std::size_t kGroupItems = 16;
inline constexpr std::size_t kQuadDimensions = 4;

inline constexpr std::size_t kBlockRows = 4096;

constexpr std::size_t tiles_of(std::size_t items) noexcept {
  return (items + kernels::kTileItems - 1) / kernels::kTileItems;
}

/// Positions in all tiles: those behind the last item hold none.
constexpr std::size_t positions_of(std::size_t items) noexcept {
  return tiles_of(items) * kernels::kTileItems;
}

constexpr std::size_t tile_of(std::size_t position) noexcept {
  return position / kernels::kTileItems;
}
constexpr std::size_t first_of_tile(std::size_t tile) noexcept {
  return tile * kernels::kTileItems;
}

/// How many of `items` items tile `tile` holds. Requires that it is one of theirs.
constexpr std::size_t items_in_tile(std::size_t items, std::size_t tile) noexcept {
  return std::min(kernels::kTileItems, items - first_of_tile(tile));
}

constexpr std::size_t blocks_of(std::size_t items) noexcept {
  return (items + kBlockRows - 1) / kBlockRows;
}
constexpr std::size_t first_of_block(std::size_t block) noexcept { return block * kBlockRows; }

/// How many of `items` rows block `block` holds. Requires that it is one of theirs.
constexpr std::size_t rows_in_block(std::size_t items, std::size_t block) noexcept {
  return std::min(kBlockRows, items - first_of_block(block));
}

/// The row at `position`, where `in_block` is what `order` says of it.
constexpr std::size_t row_of(std::size_t position, std::uint16_t in_block) noexcept {
  return first_of_block(position / kBlockRows) + in_block;
}

/// Lines of one group: quadruples of dimensions.
constexpr std::size_t quads_of(std::size_t dimension) noexcept {
  return (dimension + kQuadDimensions - 1) / kQuadDimensions;
}

/// Bytes of one tile in the plane of high nibbles: two halves of `quads` lines.
constexpr std::size_t plane_tile_bytes(std::size_t dimension) noexcept {
  return 2 * quads_of(dimension) * kLineBytes;
}

/// Where the plane of tile `tile` starts among the high nibbles of all.
constexpr std::size_t high_tile_offset(std::size_t dimension, std::size_t tile) noexcept {
  return tile * plane_tile_bytes(dimension);
}

/// Bytes of a tile that was expanded to one byte for each code, with room for whole kTileQuads.
constexpr std::size_t expanded_tile_bytes(std::size_t dimension) noexcept {
  return (quads_of(dimension) + kernels::kTileQuads - 1) / kernels::kTileQuads *
         kernels::kTileQuads * kQuadDimensions * kernels::kTileItems;
}

/// Of item `i` of a tile (0 to 63) and dimension `j`: the byte of the tile's plane that holds its
/// high nibble.
constexpr std::size_t high_byte(std::size_t dimension, std::size_t i, std::size_t j) noexcept {
  const std::size_t half = i / (2 * kGroupItems);
  return (half * quads_of(dimension) + j / kQuadDimensions) * kLineBytes +
         i % kGroupItems * kQuadDimensions + j % kQuadDimensions;
}

/// Whether that nibble is in the upper half of its byte.
constexpr bool high_is_upper(std::size_t i) noexcept { return i / kGroupItems % 2 == 1; }

/// Bytes of an item's low nibbles: half of its quadruples, rounded up.
constexpr std::size_t low_bytes(std::size_t dimension) noexcept {
  return (quads_of(dimension) + 1) / 2 * kQuadDimensions;
}

/// Of a tile's low nibbles.
constexpr std::size_t low_tile_bytes(std::size_t dimension) noexcept {
  return kernels::kTileItems * low_bytes(dimension);
}

/// Where those of tile `tile` start among the low nibbles of all.
constexpr std::size_t low_tile_offset(std::size_t dimension, std::size_t tile) noexcept {
  return tile * low_tile_bytes(dimension);
}

/// Of item `i` of a tile and dimension `j`: the byte of the tile's low nibbles that holds it.
constexpr std::size_t low_byte(std::size_t dimension, std::size_t i, std::size_t j) noexcept {
  return i * low_bytes(dimension) + j % low_bytes(dimension);
}

/// Whether that nibble is in the upper half of its byte.
constexpr bool low_is_upper(std::size_t dimension, std::size_t j) noexcept {
  return j >= low_bytes(dimension);
}

}  // namespace maxdot::store
