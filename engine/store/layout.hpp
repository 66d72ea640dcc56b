// Where the codes of an item lie: the only address arithmetic on them.
//
// Rows are taken in blocks of 4,096. Within a block the codes stand in descending order of scale, so that a tile's items
// are alike and one limit fits them all: `order` says which row of the block a position holds.
//
// A tile is 64 positions, four groups of 16. A line is 64 bytes: 16 items x 4 dimensions, item-major, which is what
// vpdpbusd, sdot and vpmaddubsw+vpmaddwd want. A code is a byte u in 1 to 255 (128 + the signed code), split into its
// high and its low nibble, which lie in two planes. A line of a plane holds one nibble of two groups: of group
// 2h in the low half of each byte, of group 2h + 1 in the high half. So half a byte per dimension can be read
// alone, and both planes together are a byte per dimension, dimensions padded to a multiple of 4.
#pragma once

#include <cstddef>

#include "kernels/kernels.hpp"

namespace maxdot::store {

inline constexpr std::size_t kLineBytes = 64;
inline constexpr std::size_t kGroupItems = 16;
inline constexpr std::size_t kQuadDimensions = 4;

inline constexpr std::size_t kBlockRows = 4096;

constexpr std::size_t tiles_of(std::size_t items) noexcept {
  return (items + kernels::kTileItems - 1) / kernels::kTileItems;
}

/// Lines of one group: quadruples of dimensions.
constexpr std::size_t quads_of(std::size_t dimension) noexcept {
  return (dimension + kQuadDimensions - 1) / kQuadDimensions;
}

/// Bytes of one tile in one plane: two halves of `quads` lines.
constexpr std::size_t plane_tile_bytes(std::size_t dimension) noexcept { return 2 * quads_of(dimension) * kLineBytes; }

/// Of item `i` of a tile (0 to 63) and dimension `j`: the byte of the tile's plane that holds its nibble.
constexpr std::size_t nibble_byte(std::size_t dimension, std::size_t i, std::size_t j) noexcept {
  const std::size_t half = i / (2 * kGroupItems);
  return (half * quads_of(dimension) + j / kQuadDimensions) * kLineBytes + i % kGroupItems * kQuadDimensions +
         j % kQuadDimensions;
}

/// Whether that nibble is the upper one of its byte.
constexpr bool nibble_is_upper(std::size_t i) noexcept { return i / kGroupItems % 2 == 1; }

}  // namespace maxdot::store
