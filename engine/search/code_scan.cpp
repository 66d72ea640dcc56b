#include "search/code_scan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "search/candidate_queue.hpp"
#include "search/range_list.hpp"
#include "search/thresholds.hpp"
#include "search/top_k.hpp"
#include "store/layout.hpp"

namespace maxdot::search {
namespace {

// Between two looks at what other threads have found.
constexpr std::size_t kTilesPerRefresh = 8;
// In a large batch, so that looking at every query costs no more than eight queries' worth of each tile.
constexpr std::size_t kQueriesPerRefreshedTile = 8;

// How many tiles ahead codes are fetched, into L2: a line on its way to L1 occupies one of few fill buffers. From DRAM,
// 1M x 128, one query: 8 KiB ahead into L1 7.7 ms, into L2 6.4, 64 KiB into L2 5.9 (Sapphire Rapids class).
constexpr std::size_t kCoarseTilesAhead = 16;
constexpr std::size_t kFineTilesAhead = 4;

// Of an item that waited and was judged. In a sound index no bound is as low.
constexpr float kDone = -std::numeric_limits<float>::infinity();

/// The n-th largest of `count` values, 0 for n = 0. NaN counts as largest. Requires n <= count and memory for 2 n values. One pass:
/// after a few values almost none is among the largest so far.
float nth_largest(float* values, std::size_t count, std::size_t n, float* largest) noexcept {
  if (n == 0) return 0.0F;
  std::size_t size = 0;
  float least = kDone;
  const auto cut = [&] {
    std::nth_element(largest, largest + (n - 1), largest + size, std::greater<>());
    size = n;
    least = largest[n - 1];
  };
  for (std::size_t i = 0; i < count; ++i) {
    // Terms come from a file. What is no number would break the order; it lets the item through.
    if (std::isnan(values[i])) values[i] = std::numeric_limits<float>::infinity();
    if (values[i] <= least) continue;
    largest[size++] = values[i];
    if (size == 2 * n) cut();
  }
  if (size >= n) cut();
  return least;
}

template <typename Results>
class BlockScan {
 public:
  /// Tiles begin with the item at position `first`.
  BlockScan(const CodeScanContext& context, Pass pass, std::size_t first, std::size_t begin, std::size_t count, Results* best,
            std::uint32_t* rejected, CodeScratch& scratch, ScanCounts& counts) noexcept
      : context_(context),
        kernels_(context.kernels.codes),
        first_(first),
        begin_(begin),
        count_(count),
        best_(best),
        scratch_(scratch),
        counts_(counts),
        thresholds_(context, pass, begin, count, best, rejected, scratch),
        candidates_(context, begin, best, rejected, thresholds_, counts),
        quads_(store::quads_of(context.items.dimension)),
        plane_bytes_(store::plane_tile_bytes(context.items.dimension)),
        low_bytes_(store::low_tile_bytes(context.items.dimension)),
        streams_(context.read == Codes::coarse && count <= kernels::kMaxStreamQueries),
        // A later round of fewer queries may plan for more than its call reserved.
        deferred_(std::min({context.deferred, scratch.deferred.size() / count, scratch.uppers.size()})),
        defers_(Results::kRises && pass != Pass::sample && deferred_ >= kernels::kTileItems) {
    std::fill_n(scratch_.deferred_counts, count_, 0U);
  }

  Thresholds<Results>& thresholds() noexcept { return thresholds_; }

  /// The codes of the tile `later` are fetched meanwhile.
  void tile(std::size_t tile, std::size_t later) noexcept {
    kernels_.limits(count_, context_.codes.terms(begin_, thresholds_.rounded()), candidates_.bound().tile(tile),
                    scratch_.limits);
    if (streams_) {
      stream(tile, later);
    } else {
      screen(tile, later);
    }
    take_candidates(tile * kernels::kTileItems);
  }

  void finish() noexcept {
    if (defers_) {
      for (std::size_t q = 0; q < count_; ++q) settle(q);
    }
    candidates_.drain();
  }

 private:
  void stream(std::size_t tile, std::size_t later) noexcept {
    kernels_.stream_codes(context_.items.high + tile * plane_bytes_, context_.items.high + later * plane_bytes_, quads_,
                          context_.codes.codes(begin_), context_.codes.stride(), count_, context_.codes.starts() + begin_,
                          scratch_.limits, scratch_.masks, scratch_.dots.data());
    ++counts_.coarse_tiles;
  }

  void screen(std::size_t tile, std::size_t later) noexcept {
    const store::ItemStore& items = context_.items;
    const std::uint8_t* high = items.high + tile * plane_bytes_;
    kernels::CodesAhead ahead = {items.high + later * plane_bytes_, nullptr, 0};
    if (context_.read == Codes::coarse) {
      kernels_.expand_coarse(high, quads_, scratch_.tile.data());
      ahead.second = ahead.first + plane_bytes_ / 2;
      ahead.lines = plane_bytes_ / 2 / store::kLineBytes;
      ++counts_.coarse_tiles;
    } else {
      kernels_.expand_fine(high, items.low + tile * low_bytes_, quads_, scratch_.tile.data());
      ahead.second = items.low + later * low_bytes_;
      ahead.lines = std::max(plane_bytes_, low_bytes_) / store::kLineBytes;
      ++counts_.fine_tiles;
    }
    kernels_.screen_codes(scratch_.tile.data(), quads_, context_.codes.codes(begin_), context_.codes.stride(), count_,
                          context_.codes.starts() + begin_, scratch_.limits, ahead, scratch_.masks, scratch_.dots.data());
  }

  void take_candidates(std::size_t first) noexcept {
    const std::size_t present = std::min(kernels::kTileItems, context_.items.items - first);
    const std::uint64_t all = present == kernels::kTileItems ? ~std::uint64_t{0} : (std::uint64_t{1} << present) - 1;
    const std::uint64_t* masks = scratch_.masks;
    for (std::size_t q = 0; q < count_; ++q) {
      // Almost all are empty: eight at a time.
      while (q + 8 <= count_ && (masks[q] | masks[q + 1] | masks[q + 2] | masks[q + 3] | masks[q + 4] | masks[q + 5] |
                                 masks[q + 6] | masks[q + 7]) == 0) {
        q += 8;
      }
      if (q == count_) break;
      const std::uint64_t candidates = masks[q] & all;
      if (candidates == 0) continue;
      const std::int32_t* dots = scratch_.dots.data() + q * kernels::kTileItems;
      if (defers_) {
        defer(q, first, dots, candidates);
        continue;
      }
      counts_.candidates += static_cast<std::uint64_t>(std::popcount(candidates));
      for (std::uint64_t left = candidates; left != 0; left &= left - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(left));
        candidates_.push(q, dots[i], first + i);
      }
    }
  }

  // The guessed threshold is lower than the final one: of the items between them none need be scored, if the best come
  // first. So what reached its tile's limit waits, and nothing is read for it yet.
  void defer(std::size_t q, std::size_t first, const std::int32_t* dots, std::uint64_t reaching) noexcept {
    if (scratch_.deferred_counts[q] + kernels::kTileItems > deferred_) settle(q);
    Deferred* next = scratch_.deferred.data() + q * deferred_ + scratch_.deferred_counts[q];
    scratch_.deferred_counts[q] += static_cast<std::uint32_t>(std::popcount(reaching));
    for (; reaching != 0; reaching &= reaching - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(reaching));
      *next++ = {dots[i], static_cast<std::uint32_t>(first - first_ + i)};
    }
  }

  // Scores what waits for query q: first as many of the highest bounds as there are results, a few more because bounds
  // are not scores, then what still reaches the threshold.
  void settle(std::size_t q) noexcept {
    if constexpr (Results::kRises) {
      const Deferred* list = scratch_.deferred.data() + q * deferred_;
      const std::size_t count = scratch_.deferred_counts[q];
      scratch_.deferred_counts[q] = 0;
      counts_.candidates += count;
      float* uppers = scratch_.uppers.data();
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t tile = (first_ + list[i].offset) / kernels::kTileItems;
        uppers[i] = candidates_.bound().upper_in(candidates_.bound().tile(tile), begin_ + q, list[i].dot);
      }
      std::size_t best = std::min(count, best_[q].k() + best_[q].k() / 8 + 8);
      const float least = nth_largest(uppers, count, best, scratch_.largest.data());
      for (std::size_t i = 0; best != 0; ++i) {
        if (uppers[i] < least) continue;
        candidates_.push(q, list[i].dot, first_ + list[i].offset);
        uppers[i] = kDone;
        --best;
      }
      candidates_.drain();
      best_[q].settle();
      thresholds_.raised(q);
      for (std::size_t i = 0; i < count; ++i) {
        if (uppers[i] == kDone || static_cast<double>(uppers[i]) < thresholds_.reach(q)) continue;
        candidates_.push(q, list[i].dot, first_ + list[i].offset);
      }
    }
  }

  const CodeScanContext& context_;
  const kernels::CodeKernels& kernels_;
  std::size_t first_;
  std::size_t begin_;
  std::size_t count_;
  Results* best_;
  CodeScratch& scratch_;
  ScanCounts& counts_;
  Thresholds<Results> thresholds_;
  CandidateQueue<Results> candidates_;
  std::size_t quads_;
  std::size_t plane_bytes_;
  std::size_t low_bytes_;
  bool streams_;
  std::size_t deferred_;
  bool defers_;
};

}  // namespace

void CodeScratch::prepare(std::size_t dimension, std::size_t queries, std::size_t waiting) {
  deferred.ensure(queries * waiting, "items that wait");
  uppers.ensure(waiting, "items that wait");
  largest.ensure(2 * waiting, "items that wait");
  tile.ensure(store::quads_of(dimension) * 4 * store::kLineBytes, "a tile of codes");
  dots.ensure(kMaxCodeQueries * kernels::kTileItems, "products of codes");
}

template <typename Results>
void scan_codes(const CodeScanContext& context, Pass pass, std::size_t begin, std::size_t count,
                std::size_t tile_begin, std::size_t tile_end, Results* best, std::uint32_t* rejected,
                CodeScratch& scratch, ScanCounts& counts) noexcept {
  BlockScan<Results> block(context, pass, tile_begin * kernels::kTileItems, begin, count, best, rejected, scratch, counts);
  std::size_t scanned = 0;
  const std::size_t sample_step = context.sample_step;
  const std::size_t sample_first = sample_step / 2;
  const std::size_t per_refresh = std::max(kTilesPerRefresh, count / kQueriesPerRefreshedTile);
  const std::size_t ahead = context.read == Codes::coarse ? kCoarseTilesAhead : kFineTilesAhead;
  const std::size_t step = pass == Pass::sample ? sample_step : 1;
  // The first tile at or after `tile` that is read.
  const auto read_from = [&](std::size_t tile) {
    while (tile < tile_end && ((pass == Pass::rest && tile % sample_step == sample_first) || block.thresholds().skips(tile))) tile += step;
    return tile;
  };
  std::size_t tile = tile_begin;
  if (pass == Pass::sample) {
    tile = (tile_begin + sample_step - 1 - sample_first) / sample_step * sample_step + sample_first;
  }
  tile = read_from(tile);
  std::size_t later = tile;
  for (std::size_t i = 0; i < ahead; ++i) later = read_from(later + step);
  while (tile < tile_end) {
    block.tile(tile, std::min(later, tile_end - 1));
    if (++scanned % per_refresh == 0) block.thresholds().refresh();
    tile = read_from(tile + step);
    later = read_from(std::max(later, tile) + step);
  }
  block.finish();
}

template void scan_codes(const CodeScanContext&, Pass, std::size_t, std::size_t, std::size_t, std::size_t, TopK*,
                         std::uint32_t*, CodeScratch&, ScanCounts&) noexcept;
template void scan_codes(const CodeScanContext&, Pass, std::size_t, std::size_t, std::size_t, std::size_t, RangeList*,
                         std::uint32_t*, CodeScratch&, ScanCounts&) noexcept;

}  // namespace maxdot::search
