#include "search/f32_scan.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "search/range_list.hpp"
#include "search/top_k.hpp"

namespace maxdot::search {
namespace {

// Up to here each query reads the rows directly; from here on transposing the tile once pays
// (bench_worst: 16 queries take 4.7 ms transposed, 7.7 directly; about equal at 8).
constexpr std::size_t kMaxDirectQueries = 8;

template <typename Results>
class BlockScan {
 public:
  BlockScan(const F32ScanContext& context, std::size_t begin, std::size_t count, Results* best, F32Scratch& scratch,
            ScanCounts& counts) noexcept
      : context_(context), begin_(begin), count_(count), best_(best), scratch_(scratch), counts_(counts) {
    for (std::size_t q = 0; q < count_; ++q) set_threshold(q, best_[q].bound());
  }

  void tile(std::size_t tile) noexcept {
    if (context_.shared != nullptr) {
      for (std::size_t q = 0; q < count_; ++q) {
        const double bound = context_.shared->get(begin_ + q);
        if (bound > best_[q].bound()) set_threshold(q, bound);
      }
    }
    const std::size_t first = tile * kernels::kTileItems;
    const std::size_t present = std::min(kernels::kTileItems, context_.items.items - first);
    const std::uint64_t all = present == kernels::kTileItems ? ~std::uint64_t{0} : (std::uint64_t{1} << present) - 1;
    ++counts_.f32_tiles;
    screen(tile, first, present);
    for (std::size_t q = 0; q < count_; ++q) {
      const bool screened = context_.screen.usable() && context_.queries.screenable(begin_ + q);
      const std::uint64_t survivors = screened ? scratch_.masks[q] & all : all;
      if (survivors != 0) rescore(q, first, permitted(q, first, survivors));
    }
  }

 private:
  void set_threshold(std::size_t q, double bound) noexcept {
    scratch_.thresholds[q] = bound == kNoBound ? -std::numeric_limits<float>::infinity()
                                               : context_.queries.threshold(begin_ + q, bound);
  }

  void screen(std::size_t tile, std::size_t first, std::size_t present) noexcept {
    if (!context_.screen.usable()) return;
    const store::ItemStore& items = context_.items;
    const kernels::KernelTable& kernels = context_.kernels;
    const auto type = static_cast<std::size_t>(items.dtype);
    const float* biases = context_.queries.biases() + begin_;
    context_.screen.fill(tile, scratch_.terms);
    if (count_ <= kMaxDirectQueries) {
      for (std::size_t q = 0; q < count_; ++q) {
        scratch_.masks[q] =
            kernels.screen_rows[type](items.row(first), present, items.dimension, context_.queries.scaled(begin_ + q),
                                      scratch_.terms, biases[q], scratch_.thresholds[q]);
      }
      return;
    }
    kernels.pack_panel[type](items.row(first), present, items.dimension, scratch_.panel.data());
    kernels.screen_panel(scratch_.panel.data(), items.dimension, context_.queries.scaled(begin_),
                         context_.queries.stride(), count_, scratch_.terms, biases, scratch_.thresholds,
                         scratch_.masks);
  }

  std::uint64_t permitted(std::size_t q, std::size_t first, std::uint64_t survivors) const noexcept {
    if (context_.filters == nullptr) return survivors;
    std::uint64_t kept = 0;
    for (; survivors != 0; survivors &= survivors - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(survivors));
      if (context_.filters->permits(begin_ + q, first + i)) kept |= std::uint64_t{1} << i;
    }
    return kept;
  }

  void rescore(std::size_t q, std::size_t first, std::uint64_t survivors) noexcept {
    const store::ItemStore& items = context_.items;
    const auto dot64 = context_.kernels.dot64[static_cast<std::size_t>(items.dtype)];
    const float* query = context_.queries.values(begin_ + q);
    const double square = context_.queries.square(begin_ + q);
    const double known = best_[q].bound();
    counts_.rescored += static_cast<std::uint64_t>(std::popcount(survivors));
    const auto offer = [&](std::size_t row, double dot) {
      best_[q].offer({base::ranking_key(context_.ranking, dot, square, items.squares[row]), items.id(row)});
    };
    const auto next = [&] {
      const std::size_t row = first + static_cast<std::size_t>(std::countr_zero(survivors));
      survivors &= survivors - 1;
      return row;
    };
    const float* const queries[4] = {query, query, query, query};
    while (std::popcount(survivors) >= 4) {
      std::size_t rows[4];
      const void* data[4];
      double dots[4];
      for (std::size_t i = 0; i < 4; ++i) {
        rows[i] = next();
        data[i] = items.row(rows[i]);
      }
      context_.kernels.dot64_four[static_cast<std::size_t>(items.dtype)](queries, data, items.dimension, dots);
      for (std::size_t i = 0; i < 4; ++i) offer(rows[i], dots[i]);
    }
    while (survivors != 0) {
      const std::size_t row = next();
      offer(row, dot64(query, items.row(row), items.dimension));
    }
    double bound = best_[q].bound();
    if (bound == known) return;
    if (context_.shared != nullptr) {
      context_.shared->raise(begin_ + q, bound);
      bound = std::max(bound, context_.shared->get(begin_ + q));
    }
    set_threshold(q, bound);
  }

  const F32ScanContext& context_;
  std::size_t begin_;
  std::size_t count_;
  Results* best_;
  F32Scratch& scratch_;
  ScanCounts& counts_;
};

}  // namespace

void F32Scratch::prepare(std::size_t dimension) {
  panel.ensure(dimension * kernels::kTileItems, "a packed tile");
}

template <typename Results>
void scan_f32(const F32ScanContext& context, std::size_t begin, std::size_t count, std::size_t tile_begin,
              std::size_t tile_end, Results* best, F32Scratch& scratch, ScanCounts& counts) noexcept {
  for (std::size_t first = 0; first < count; first += kMaxBlockQueries) {
    BlockScan<Results> block(context, begin + first, std::min(kMaxBlockQueries, count - first), best + first, scratch,
                             counts);
    for (std::size_t tile = tile_begin; tile < tile_end; ++tile) block.tile(tile);
  }
}

template void scan_f32(const F32ScanContext&, std::size_t, std::size_t, std::size_t, std::size_t, TopK*, F32Scratch&,
                       ScanCounts&) noexcept;
template void scan_f32(const F32ScanContext&, std::size_t, std::size_t, std::size_t, std::size_t, RangeList*,
                       F32Scratch&, ScanCounts&) noexcept;

}  // namespace maxdot::search
