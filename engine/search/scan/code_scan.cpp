#include "search/scan/code_scan.hpp"

#include <algorithm>
#include <bit>

#include "base/stop.hpp"
#include "search/collect/range_list.hpp"
#include "search/collect/top_k.hpp"
#include "search/scan/candidate_queue.hpp"
#include "search/scan/deferred_list.hpp"
#include "search/scan/sample_list.hpp"
#include "search/scan/thresholds.hpp"
#include "search/scan/tile_walk.hpp"
#include "store/layout.hpp"

namespace maxdot::search {
namespace {

// [tiles] Between two looks at what other threads have found; in a large batch one more for every
// so many queries, so that looking at all of them costs no more than eight queries' worth of each
// tile.
constexpr std::size_t kTilesPerRefresh = 8;
constexpr std::size_t kQueriesPerRefreshedTile = 8;

template <typename Results>
class BlockScan {
 public:
  BlockScan(const CodeScanContext& context, const Task& task, Results* results, QueryNote* notes,
            CodeScratch& scratch, RowScratch& rows, ScanCounts& counts) noexcept
      : context_(context),
        items_(context.scan.items),
        kernels_(context.scan.kernels.codes),
        task_(task),
        scratch_(scratch),
        counts_(counts),
        thresholds_(context, task, results, scratch),
        candidates_(context, task, results, notes, thresholds_, rows, counts),
        deferred_(context, task, results, thresholds_, candidates_, scratch, counts),
        sample_(context, task, notes, thresholds_, deferred_, scratch),
        quads_(store::quads_of(context.scan.items.dimension)),
        plane_bytes_(store::plane_tile_bytes(context.scan.items.dimension)),
        low_bytes_(store::low_tile_bytes(context.scan.items.dimension)),
        streams_(context.read == bounds::Codes::coarse &&
                 task.queries <= kernels::kMaxStreamQueries),
        selects_(context.pass == Pass::select),
        defers_(Results::kRises && !selects_ && context.pass != Pass::sample &&
                context.deferred >= kernels::kTileItems) {}

  const Thresholds<Results>& thresholds() const noexcept { return thresholds_; }
  void refresh() noexcept { thresholds_.refresh(); }

  /// The codes of the tile `later` are fetched meanwhile.
  void tile(std::size_t tile, std::size_t later) noexcept {
    const kernels::CodeTileTerms terms = candidates_.bound().tile(tile);
    kernels_.limits(task_.queries, context_.codes.terms(task_.first_query, thresholds_.rounded()),
                    terms, scratch_.limits);
    if (context_.codes.narrow())
      context_.codes.to_narrow(task_.first_query, task_.queries, scratch_.limits);
    thresholds_.close(scratch_.limits);
    if (streams_) {
      stream(tile, later);
    } else {
      screen(tile, later);
    }
    take_candidates(tile * kernels::kTileItems, terms);
  }

  void finish() noexcept {
    if constexpr (Results::kRises) {
      if (selects_) sample_.finish();
      if (defers_) deferred_.judge_all();
    }
    candidates_.drain();
  }

 private:
  const std::uint8_t* high(std::size_t tile) const noexcept {
    return items_.high_tile(tile, plane_bytes_);
  }
  const std::uint8_t* low(std::size_t tile) const noexcept {
    return items_.low_tile(tile, low_bytes_);
  }

  void stream(std::size_t tile, std::size_t later) noexcept {
    const bounds::QueryCodes& codes = context_.codes;
    ++counts_.coarse_tiles;
    if (codes.narrow()) {
      kernels_.narrow.stream(high(tile), high(later), quads_, codes.codes(task_.first_query),
                             codes.stride(), task_.queries, scratch_.limits, scratch_.masks,
                             scratch_.products.data());
      return;
    }
    kernels_.stream_codes(high(tile), high(later), quads_, codes.codes(task_.first_query),
                          codes.stride(), task_.queries, codes.starts() + task_.first_query,
                          scratch_.limits, scratch_.masks, scratch_.products.data());
  }

  void screen(std::size_t tile, std::size_t later) noexcept {
    const bounds::QueryCodes& codes = context_.codes;
    const std::int8_t* queries = codes.codes(task_.first_query);
    kernels::CodesAhead ahead = {high(later), nullptr, 0};
    if (context_.read == bounds::Codes::coarse) {
      ahead.second = ahead.first + plane_bytes_ / 2;
      ahead.lines = plane_bytes_ / 2 / store::kLineBytes;
      ++counts_.coarse_tiles;
    } else {
      ahead.second = low(later);
      ahead.lines = std::max(plane_bytes_, low_bytes_) / store::kLineBytes;
      ++counts_.fine_tiles;
    }
    if (codes.narrow()) {
      const int bits = bounds::bits_of(context_.read);
      kernels_.narrow.expand(high(tile), low(tile), quads_, bits, scratch_.tile.data());
      kernels_.narrow.screen(scratch_.tile.data(), quads_, bits, queries, codes.stride(),
                             task_.queries, scratch_.limits, ahead, scratch_.masks,
                             scratch_.products.data());
      return;
    }
    if (context_.read == bounds::Codes::coarse) {
      kernels_.expand_coarse(high(tile), quads_, scratch_.tile.data());
    } else {
      kernels_.expand_fine(high(tile), low(tile), quads_, scratch_.tile.data());
    }
    kernels_.screen_codes(scratch_.tile.data(), quads_, queries, codes.stride(), task_.queries,
                          codes.starts() + task_.first_query, scratch_.limits, ahead,
                          scratch_.masks, scratch_.products.data());
  }

  // Lists the queries of which an item of the tile is a candidate. Most of eight queries have none;
  // which of them has one cannot be foretold, so that is no branch. ("Queues")
  std::size_t list_found(std::uint64_t all) noexcept {
    const std::uint64_t* masks = scratch_.masks;
    std::size_t found = 0;
    const auto look_at = [&](std::size_t q) {
      scratch_.found[found] = static_cast<std::uint16_t>(q);
      found += (masks[q] & all) != 0 ? 1 : 0;
    };
    std::size_t q = 0;
    for (; q + 8 <= task_.queries; q += 8) {
      if ((masks[q] | masks[q + 1] | masks[q + 2] | masks[q + 3] | masks[q + 4] | masks[q + 5] |
           masks[q + 6] | masks[q + 7]) == 0)
        continue;
      for (std::size_t i = q; i < q + 8; ++i) look_at(i);
    }
    for (; q < task_.queries; ++q) look_at(q);
    return found;
  }

  void take_candidates(std::size_t first, const kernels::CodeTileTerms& terms) noexcept {
    const std::size_t present = std::min(kernels::kTileItems, items_.items - first);
    const std::uint64_t all = ~std::uint64_t{0} >> (kernels::kTileItems - present);
    const std::size_t found = list_found(all);
    for (std::size_t f = 0; f < found; ++f) {
      const std::size_t q = scratch_.found[f];
      const std::uint64_t reaching = scratch_.masks[q] & all;
      const std::int32_t* products = scratch_.products.data() + q * kernels::kTileItems;
      if constexpr (Results::kRises) {
        if (selects_) {
          sample_.add(q, first, terms, products, reaching);
          continue;
        }
        if (defers_) {
          deferred_.add(q, first, terms, products, reaching);
          continue;
        }
      }
      for (std::uint64_t left = reaching; left != 0; left &= left - 1) {
        ++counts_.candidates;
        const auto i = static_cast<std::size_t>(std::countr_zero(left));
        candidates_.push(q, candidates_.product(q, products[i]), first + i);
      }
    }
  }

  const CodeScanContext& context_;
  const store::ItemStore& items_;
  const kernels::CodeKernels& kernels_;
  const Task& task_;
  CodeScratch& scratch_;
  ScanCounts& counts_;
  Thresholds<Results> thresholds_;
  CandidateQueue<Results> candidates_;
  DeferredList<Results> deferred_;
  SampleList<Results> sample_;
  std::size_t quads_;
  std::size_t plane_bytes_;
  std::size_t low_bytes_;
  bool streams_;
  bool selects_;
  bool defers_;
};

/// What the kernels must set up on a thread, for as long as it screens.
class ScreenRegisters {
 public:
  explicit ScreenRegisters(const kernels::CodeKernels& kernels) noexcept : kernels_(kernels) {
    kernels_.begin();
  }
  ~ScreenRegisters() { kernels_.end(); }
  /// base::stop_requested() with the registers given back meanwhile: a host that is asked may need
  /// them itself.
  bool stop_requested() noexcept {
    kernels_.end();
    const bool requested = base::stop_requested();
    kernels_.begin();
    return requested;
  }
  ScreenRegisters(const ScreenRegisters&) = delete;
  ScreenRegisters& operator=(const ScreenRegisters&) = delete;

 private:
  const kernels::CodeKernels& kernels_;
};

}  // namespace

template <typename Results>
void scan_codes(const CodeScanContext& context, const Task& task, Results* results,
                QueryNote* notes, CodeScratch& scratch, RowScratch& rows,
                ScanCounts& counts) noexcept {
  ScreenRegisters registers(context.scan.kernels.codes);
  BlockScan<Results> block(context, task, results, notes, scratch, rows, counts);
  if (block.thresholds().all_have_left()) return;
  const Tuning& tuning = context.scan.tuning;
  const bool coarse = context.read == bounds::Codes::coarse;
  const std::size_t per_refresh =
      std::max(kTilesPerRefresh, task.queries / kQueriesPerRefreshedTile);
  const auto skips = [&block](std::size_t tile) { return block.thresholds().skips(tile); };
  TileWalk walk(task, context.pass, context.sample_step);
  std::size_t until_refresh = per_refresh;
  const std::size_t work = task.queries * kernels::kTileItems * context.scan.items.dimension;
  base::StopWatch watch;
  for (walk.begin(coarse ? tuning.coarse_tiles_ahead : tuning.fine_tiles_ahead, skips);
       !walk.done(); walk.advance(skips)) {
    if (watch.due(work) && registers.stop_requested()) return;  // nobody asks what was found
    block.tile(walk.tile(), walk.later());
    if (--until_refresh == 0) {
      if (block.thresholds().all_have_left()) break;
      block.refresh();
      until_refresh = per_refresh;
    }
  }
  block.finish();
}

template void scan_codes(const CodeScanContext&, const Task&, TopK*, QueryNote*, CodeScratch&,
                         RowScratch&, ScanCounts&) noexcept;
template void scan_codes(const CodeScanContext&, const Task&, RangeList*, QueryNote*, CodeScratch&,
                         RowScratch&, ScanCounts&) noexcept;

}  // namespace maxdot::search
