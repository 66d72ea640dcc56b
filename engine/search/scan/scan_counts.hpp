// ScanCounts: what one thread has done in a search. Summed into SearchStats.
#pragma once

#include <cstdint>

#include "maxdot/index.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

struct ScanCounts {
  std::uint64_t f32_tiles = 0;     ///< tiles read as rows, once per block of queries
  std::uint64_t coarse_tiles = 0;  ///< tiles read as 4-bit codes
  std::uint64_t fine_tiles = 0;    ///< tiles read as 8-bit codes
  std::uint64_t candidates = 0;    ///< items whose integer product reached the tile's limit
  std::uint64_t refined = 0;   ///< of them, those whose low nibbles were read after a 4-bit screen
  std::uint64_t rescored = 0;  ///< rows scored in f64
};

/// Adds what one thread has done.
void add(SearchStats& stats, const ScanCounts& counts, const store::ItemStore& items) noexcept;
/// Adds what another search has done.
void add(SearchStats& stats, const SearchStats& other) noexcept;

}  // namespace maxdot::search
