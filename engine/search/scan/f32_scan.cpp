#include "search/scan/f32_scan.hpp"

#include <algorithm>
#include <bit>

#include "base/stop.hpp"
#include "search/collect/range_list.hpp"
#include "search/collect/top_k.hpp"
#include "search/scan/tile_rows.hpp"

namespace maxdot::search {
namespace {

template <typename Results>
class BlockScan {
 public:
  /// Requires task.queries <= kMostF32Queries.
  BlockScan(const ScanContext& context, const bounds::F32Bound& bound, const Task& task,
            Results* results, F32Scratch& scratch, RowScratch& rows, ScanCounts& counts) noexcept
      : context_(context),
        items_(context.items),
        type_(static_cast<std::size_t>(context.items.dtype)),
        bound_(bound),
        task_(task),
        results_(results),
        scratch_(scratch),
        counts_(counts),
        tile_rows_(context, task.end_tile, rows) {
    for (std::size_t q = 0; q < task_.queries; ++q) update(q);
  }

  void tile(std::size_t tile) noexcept {
    if (context_.several_tasks) {
      for (std::size_t q = 0; q < task_.queries; ++q) {
        if (context_.shared.get(task_.first_query + q) > results_[q].bound()) update(q);
      }
    }
    const std::size_t first = tile * kernels::kTileItems;
    const std::size_t present = std::min(kernels::kTileItems, items_.items - first);
    const std::uint64_t all = ~std::uint64_t{0} >> (kernels::kTileItems - present);
    rows_ = tile_rows_.of(tile);
    if (rows_ == nullptr) return;  // nobody asks what was found
    ++counts_.f32_tiles;
    screen(tile, present);
    for (std::size_t q = 0; q < task_.queries; ++q) {
      const bool screened = bound_.usable() && context_.queries.screenable(task_.first_query + q);
      const std::uint64_t left = screened ? scratch_.masks[q] & all : all;
      if (left != 0) rescore(q, first, permitted(q, first, left));
    }
  }

 private:
  // Of the tile.
  const unsigned char* row(std::size_t i) const noexcept { return rows_ + i * items_.row_bytes(); }

  void update(std::size_t q) noexcept {
    const std::size_t query = task_.first_query + q;
    const double bound = std::max(results_[q].bound(), context_.shared.get(query));
    scratch_.thresholds[q] = context_.queries.threshold(query, bound);
  }

  void screen(std::size_t tile, std::size_t present) noexcept {
    if (!bound_.usable()) return;
    const kernels::KernelTable& kernels = context_.kernels;
    const float* biases = context_.queries.biases() + task_.first_query;
    const float* scaled = context_.queries.scaled(task_.first_query);
    bound_.fill(tile, scratch_.terms);
    if (task_.queries <= context_.tuning.direct_queries) {
      for (std::size_t q = 0; q < task_.queries; ++q) {
        scratch_.masks[q] = kernels.screen_rows[type_](
            rows_, present, items_.dimension, scaled + q * context_.queries.stride(),
            scratch_.terms, biases[q], scratch_.thresholds[q]);
      }
      return;
    }
    kernels.pack_panel[type_](rows_, present, items_.dimension, scratch_.panel.data());
    kernels.screen_panel(scratch_.panel.data(), items_.dimension, scaled, context_.queries.stride(),
                         task_.queries, scratch_.terms, biases, scratch_.thresholds,
                         scratch_.masks);
  }

  std::uint64_t permitted(std::size_t q, std::size_t first, std::uint64_t left) const noexcept {
    if (context_.filters == nullptr) return left;
    std::uint64_t kept = 0;
    for (; left != 0; left &= left - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(left));
      if (context_.filters->permits(task_.first_query + q, first + i))
        kept |= std::uint64_t{1} << i;
    }
    return kept;
  }

  void rescore(std::size_t q, std::size_t first, std::uint64_t left) noexcept {
    const std::size_t query = task_.first_query + q;
    const float* values = context_.queries.values(query);
    const double square = context_.queries.square(query);
    const double known = results_[q].bound();
    counts_.rescored += static_cast<std::uint64_t>(std::popcount(left));
    const auto offer = [&](std::size_t row, double dot) {
      results_[q].offer(
          {base::ranking_key(context_.ranking, dot, square, items_.squares[row]), items_.id(row)});
    };
    const auto next = [&] {
      const std::size_t row = first + static_cast<std::size_t>(std::countr_zero(left));
      left &= left - 1;
      return row;
    };
    const float* const four_values[4] = {values, values, values, values};
    while (std::popcount(left) >= 4) {
      std::size_t rows[4];
      const void* data[4];
      double dots[4];
      for (std::size_t i = 0; i < 4; ++i) {
        rows[i] = next();
        data[i] = row(rows[i] - first);
      }
      context_.kernels.dot64_four[type_](four_values, data, items_.dimension, dots);
      for (std::size_t i = 0; i < 4; ++i) offer(rows[i], dots[i]);
    }
    while (left != 0) {
      const std::size_t row = next();
      offer(row, context_.kernels.dot64[type_](values, this->row(row - first), items_.dimension));
    }
    const double bound = results_[q].bound();
    if (!(bound > known)) return;
    if (context_.several_tasks) context_.shared.raise(query, bound);
    update(q);
  }

  const ScanContext& context_;
  const store::ItemStore& items_;
  std::size_t type_;
  const bounds::F32Bound& bound_;
  const Task& task_;
  Results* results_;
  F32Scratch& scratch_;
  ScanCounts& counts_;
  TileRows tile_rows_;
  const unsigned char* rows_ = nullptr;  // of the tile
};

}  // namespace

void F32Scratch::reserve(std::size_t dimension) {
  panel.ensure(dimension * kernels::kTileItems, "a packed tile");
}

template <typename Results>
void scan_f32(const ScanContext& context, const bounds::F32Bound& bound, const Task& task,
              Results* results, F32Scratch& scratch, RowScratch& rows,
              ScanCounts& counts) noexcept {
  const std::size_t work =
      std::min(kMostF32Queries, task.queries) * kernels::kTileItems * context.items.dimension;
  base::StopWatch watch;
  for (std::size_t first = 0; first < task.queries; first += kMostF32Queries) {
    const Task part = {.first_query = task.first_query + first,
                       .queries = std::min(kMostF32Queries, task.queries - first),
                       .first_tile = task.first_tile,
                       .end_tile = task.end_tile};
    BlockScan<Results> block(context, bound, part, results + first, scratch, rows, counts);
    for (std::size_t tile = task.first_tile; tile < task.end_tile && !watch.stopped(work); ++tile)
      block.tile(tile);
  }
}

template void scan_f32(const ScanContext&, const bounds::F32Bound&, const Task&, TopK*, F32Scratch&,
                       RowScratch&, ScanCounts&) noexcept;
template void scan_f32(const ScanContext&, const bounds::F32Bound&, const Task&, RangeList*,
                       F32Scratch&, RowScratch&, ScanCounts&) noexcept;

}  // namespace maxdot::search
