#include "search/code_scan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/rounding.hpp"
#include "search/range_list.hpp"
#include "search/rescorer.hpp"
#include "search/top_k.hpp"
#include "store/layout.hpp"

namespace maxdot::search {
namespace {

// Between two looks at what other threads have found.
constexpr std::size_t kTilesPerRefresh = 8;

// How many tiles ahead codes are fetched, into L2: a line on its way to L1 occupies one of few fill buffers. From DRAM,
// 1M x 128, one query: 8 KiB ahead into L1 7.7 ms, into L2 6.4, 64 KiB into L2 5.9 (Sapphire Rapids class).
constexpr std::size_t kCoarseTilesAhead = 16;
constexpr std::size_t kFineTilesAhead = 4;

// Queries between two portions of prefetches of a later tile: all at once, they fill the line buffers and the arithmetic
// waits. Few queries have little to hide memory behind and take a portion with every block of the kernel. Origin: 1M x 128
// from DRAM, 16 queries: 24 take 16.9 ms, 6 take 13.1; GloVe, 2,048 queries: 6 are 7 % slower than 24.
constexpr std::size_t kQueriesPerPrefetch = 24;
constexpr std::size_t kQueriesPerPrefetchOfFew = 6;
constexpr std::size_t kFewQueries = 64;

template <typename Results>
class BlockScan {
 public:
  BlockScan(const CodeScanContext& context, Pass pass, std::size_t begin, std::size_t count, Results* best,
            std::uint32_t* rejected, CodeScratch& scratch, ScanCounts& counts) noexcept
      : context_(context),
        most_rejected_(pass == Pass::sample ? context.most_sample_rejected : std::numeric_limits<std::size_t>::max()),
        bound_(context.items, context.codes, context.ranking, context.read),
        rescorer_(context.items, context.kernels, context.queries, context.ranking, begin, best, rejected),
        quads_(store::quads_of(context.items.dimension)),
        plane_bytes_(store::plane_tile_bytes(context.items.dimension)),
        begin_(begin),
        count_(count),
        best_(best),
        rejected_(rejected),
        scratch_(scratch),
        counts_(counts),
        // A later round of fewer queries may plan for more than its call reserved.
        deferred_(std::min(context.deferred, scratch.deferred.size() / count)),
        defers_(Results::kRises && pass != Pass::sample && deferred_ != 0) {
    std::fill_n(scratch_.deferred_counts, count_, 0U);
    refresh();
  }

  void refresh() noexcept {
    for (std::size_t q = 0; q < count_; ++q) {
      set_threshold(q, std::max(best_[q].bound(), context_.shared.get(begin_ + q)));
    }
  }

  /// The codes of the tile `later` are fetched meanwhile.
  void tile(std::size_t tile, std::size_t later) noexcept {
    const kernels::CodeKernels& kernels = context_.kernels.codes;
    const kernels::CodeTileTerms terms = bound_.tile(tile);
    kernels.limits(count_, context_.codes.terms(begin_, scratch_.thresholds), terms, scratch_.limits);
    if (context_.read == Codes::coarse) {
      stream(tile, later);
    } else {
      screen(tile, later);
    }
    const std::size_t first = tile * kernels::kTileItems;
    const std::size_t present = std::min(kernels::kTileItems, context_.items.items - first);
    const std::uint64_t all = present == kernels::kTileItems ? ~std::uint64_t{0} : (std::uint64_t{1} << present) - 1;
    for (std::size_t q = 0; q < count_; ++q) {
      const std::uint64_t candidates = scratch_.masks[q] & all;
      if (candidates != 0) [[unlikely]] {
        if (defers_) {
          defer(q, terms, first, candidates);
        } else {
          consider(q, first, candidates);
        }
      }
    }
  }

  void finish() noexcept {
    if (defers_) {
      for (std::size_t q = 0; q < count_; ++q) settle(q);
    }
    judge_waiting();
    rescorer_.drain([this](std::size_t q) { raised(q); });
  }

 private:
  void set_threshold(std::size_t q, double bound) noexcept {
    if (rejected_[q] > most_rejected_) bound = kEverythingOut;
    // Neither end is a key to convert: a zero query would turn "nothing" into "no number" and "everything" into 0.
    const bool is_key = bound != kNoBound && bound != kEverythingOut;
    scratch_.reaches[q] = is_key ? context_.queries.reach(begin_ + q, bound) : bound;
    scratch_.thresholds[q] = base::round_down(scratch_.reaches[q]);
  }

  void raised(std::size_t q) noexcept {
    const double bound = best_[q].bound();
    if (context_.several_tasks) context_.shared.raise(begin_ + q, bound);
    set_threshold(q, std::max(bound, context_.shared.get(begin_ + q)));
  }

  void stream(std::size_t tile, std::size_t later) noexcept {
    const kernels::CodeKernels& kernels = context_.kernels.codes;
    const std::uint8_t* high = context_.items.high + tile * plane_bytes_;
    for (std::size_t q = 0; q < count_; q += kernels::kMaxStreamQueries) {
      kernels.stream_codes(high, context_.items.high + later * plane_bytes_, quads_, context_.codes.codes(begin_ + q), context_.codes.stride(),
                           std::min(count_ - q, kernels::kMaxStreamQueries), context_.codes.starts() + begin_ + q,
                           scratch_.limits + q, scratch_.masks + q, scratch_.dots.data() + q * kernels::kTileItems);
    }
    ++counts_.coarse_tiles;
  }

  void screen(std::size_t tile, std::size_t later) noexcept {
    const kernels::CodeKernels& kernels = context_.kernels.codes;
    const store::ItemStore& items = context_.items;
    const std::size_t step = count_ < kFewQueries ? kQueriesPerPrefetchOfFew : kQueriesPerPrefetch;
    const std::size_t portions = (count_ + step - 1) / step + 1;
    const std::size_t portion_bytes = (plane_bytes_ / portions + 63) / 64 * 64;
    std::size_t fetched = 0;
    const auto fetch = [&] {
      for (const std::size_t end = std::min(plane_bytes_, fetched + portion_bytes); fetched < end; fetched += 64) {
        __builtin_prefetch(items.high + later * plane_bytes_ + fetched, 0, 2);
        __builtin_prefetch(items.low + later * plane_bytes_ + fetched, 0, 2);
      }
    };
    fetch();
    kernels.expand_fine(items.high + tile * plane_bytes_, items.low + tile * plane_bytes_, quads_,
                        scratch_.tile.data());
    for (std::size_t q = 0; q < count_; q += step) {
      fetch();
      kernels.screen_codes(scratch_.tile.data(), quads_, context_.codes.codes(begin_ + q), context_.codes.stride(),
                           std::min(step, count_ - q), context_.codes.starts() + begin_ + q,
                           scratch_.limits + q, scratch_.masks + q, scratch_.dots.data() + q * kernels::kTileItems);
    }
    ++counts_.fine_tiles;
  }

  // The guessed threshold is lower than the final one: of the items between them none need be scored, if the best come
  // first. So what reached its tile's limit waits, by the tile's terms alone: nothing else is read for it yet.
  void defer(std::size_t q, const kernels::CodeTileTerms& terms, std::size_t first, std::uint64_t reaching) noexcept {
    const std::int32_t* dots = scratch_.dots.data() + q * kernels::kTileItems;
    Deferred* list = scratch_.deferred.data() + q * deferred_;
    for (; reaching != 0; reaching &= reaching - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(reaching));
      if (scratch_.deferred_counts[q] == deferred_) settle(q);
      const float upper = base::round_up(bound_.upper_in(terms, begin_ + q, dots[i]));
      // Terms come from a file. What is no number would break the order; it lets the item through.
      list[scratch_.deferred_counts[q]++] = {std::isnan(upper) ? std::numeric_limits<float>::infinity() : upper, dots[i],
                                             first + i};
    }
  }

  // Scores what waits for query q: first as many of the highest bounds as there are results, a few more because bounds
  // are not scores, then what still reaches the threshold.
  void settle(std::size_t q) noexcept {
    Deferred* list = scratch_.deferred.data() + q * deferred_;
    const std::size_t count = scratch_.deferred_counts[q];
    scratch_.deferred_counts[q] = 0;
    counts_.candidates += count;
    std::size_t first = 0;
    if constexpr (Results::kRises) {
      first = std::min(count, best_[q].k() + best_[q].k() / 8 + 8);
      if (first < count) {
        std::nth_element(list, list + first, list + count,
                         [](const Deferred& a, const Deferred& b) { return a.upper > b.upper; });
      }
      for (std::size_t i = 0; i < first; ++i) await(q, list[i].dot, list[i].position);
      judge_waiting();
      rescorer_.drain([this](std::size_t changed) { raised(changed); });
      best_[q].settle();
      raised(q);
    }
    for (std::size_t i = first; i < count; ++i) {
      if (static_cast<double>(list[i].upper) < scratch_.reaches[q]) continue;
      await(q, list[i].dot, list[i].position);
    }
  }

  // What reached its tile's limit waits for its scale and norm, which are in no cache, while the scan goes on.
  void consider(std::size_t q, std::size_t first, std::uint64_t reaching) noexcept {
    const std::int32_t* dots = scratch_.dots.data() + q * kernels::kTileItems;
    for (; reaching != 0; reaching &= reaching - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(reaching));
      ++counts_.candidates;
      await(q, dots[i], first + i);
    }
  }

  void await(std::size_t q, std::int32_t dot, std::size_t position) noexcept {
    if (waiting_ == kWaiting) judge_waiting();
    bound_.prefetch(position);
    __builtin_prefetch(context_.items.order + position);
    candidates_[waiting_++] = {static_cast<std::uint32_t>(q), dot, position};
  }

  void judge_waiting() noexcept {
    for (std::size_t c = 0; c < waiting_; ++c) {
      const Candidate& candidate = candidates_[c];
      const std::size_t q = candidate.q;
      // Strictly below is out: equal keys must survive, ids decide them. A NaN survives.
      if (bound_.upper(begin_ + q, candidate.position, candidate.dot) < scratch_.reaches[q]) continue;
      const std::size_t row = context_.items.row_at(candidate.position);
      if (row >= context_.items.items) continue;  // the order comes from a file
      if (context_.filters != nullptr && !context_.filters->permits(begin_ + q, row)) continue;
      if (rejected_[q] > most_rejected_) {
        set_threshold(q, kEverythingOut);
        continue;
      }
      ++counts_.rescored;
      rescorer_.push(q, row, [this](std::size_t changed) { raised(changed); });
    }
    waiting_ = 0;
  }

  static constexpr std::size_t kWaiting = 16;

  struct Candidate {
    std::uint32_t q;
    std::int32_t dot;
    std::size_t position;
  };

  const CodeScanContext& context_;
  std::size_t most_rejected_;
  CodeBound bound_;
  Rescorer<Results> rescorer_;
  std::size_t quads_;
  std::size_t plane_bytes_;
  std::size_t begin_;
  std::size_t count_;
  Results* best_;
  std::uint32_t* rejected_;
  CodeScratch& scratch_;
  ScanCounts& counts_;
  std::size_t deferred_;
  bool defers_;
  std::array<Candidate, kWaiting> candidates_;
  std::size_t waiting_ = 0;
};

}  // namespace

void CodeScratch::prepare(std::size_t dimension, std::size_t entries) {
  deferred.ensure(entries, "items that wait");
  tile.ensure(store::quads_of(dimension) * 4 * store::kLineBytes, "a tile of codes");
  dots.ensure(kMaxCodeQueries * kernels::kTileItems, "products of codes");
}

template <typename Results>
void scan_codes(const CodeScanContext& context, Pass pass, std::size_t begin, std::size_t count,
                std::size_t tile_begin, std::size_t tile_end, Results* best, std::uint32_t* rejected,
                CodeScratch& scratch, ScanCounts& counts) noexcept {
  BlockScan<Results> block(context, pass, begin, count, best, rejected, scratch, counts);
  std::size_t scanned = 0;
  const std::size_t sample_step = context.sample_step;
  const std::size_t sample_first = sample_step / 2;
  const std::size_t ahead = context.read == Codes::coarse ? kCoarseTilesAhead : kFineTilesAhead;
  const auto visit = [&](std::size_t tile, std::size_t step) {
    if (context.several_tasks && ++scanned % kTilesPerRefresh == 0) block.refresh();
    block.tile(tile, std::min(tile + ahead * step, tile_end - 1));
  };
  if (pass == Pass::sample) {
    const std::size_t past = tile_begin + sample_step - 1 - sample_first;
    for (std::size_t tile = past / sample_step * sample_step + sample_first; tile < tile_end; tile += sample_step) {
      visit(tile, sample_step);
    }
  } else {
    for (std::size_t tile = tile_begin; tile < tile_end; ++tile) {
      if (pass == Pass::rest && tile % sample_step == sample_first) continue;
      visit(tile, 1);
    }
  }
  block.finish();
}

template void scan_codes(const CodeScanContext&, Pass, std::size_t, std::size_t, std::size_t, std::size_t, TopK*,
                         std::uint32_t*, CodeScratch&, ScanCounts&) noexcept;
template void scan_codes(const CodeScanContext&, Pass, std::size_t, std::size_t, std::size_t, std::size_t, RangeList*,
                         std::uint32_t*, CodeScratch&, ScanCounts&) noexcept;

}  // namespace maxdot::search
