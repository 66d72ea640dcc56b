#include "search/scan/scan_counts.hpp"

#include "kernels/kernels.hpp"
#include "store/layout.hpp"

namespace maxdot::search {

void add(SearchStats& stats, const ScanCounts& counts, const store::ItemStore& items) noexcept {
  const std::uint64_t high = store::plane_tile_bytes(items.dimension);
  const std::uint64_t low = store::low_bytes(items.dimension);
  const std::uint64_t row = items.row_bytes();
  stats.tiles_f32 += counts.f32_tiles;
  stats.tiles_4bit += counts.coarse_tiles;
  stats.tiles_8bit += counts.fine_tiles;
  stats.candidates += counts.candidates;
  stats.refined += counts.refined;
  stats.rescored += counts.rescored;
  stats.bytes_read += counts.f32_tiles * kernels::kTileItems * row + counts.coarse_tiles * high +
                      counts.fine_tiles * (high + kernels::kTileItems * low) +
                      counts.refined * (low + sizeof(store::ItemTerms)) + counts.rescored * row;
}

void add(SearchStats& stats, const SearchStats& other) noexcept {
  for (const SearchStatsField& field : search_stats_fields)
    stats.*field.value += other.*field.value;
}

}  // namespace maxdot::search
