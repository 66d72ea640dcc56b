#include "search/search.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/parallel.hpp"
#include "maxdot/error.hpp"
#include "search/code_scan.hpp"
#include "search/f32_scan.hpp"
#include "search/plan.hpp"
#include "store/layout.hpp"

namespace maxdot::search {
namespace {

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Memory of one thread.
struct Worker {
  F32Scratch f32;
  CodeScratch codes;
  std::vector<Entry> found;
  ScanCounts counts;
};

class Search {
 public:
  Search(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
         const ResultView& out)
      : items_(items),
        table_(table),
        request_(request),
        kept_(std::min(request.k, items.items)),
        ranking_(base::ranking_of(request.metric, items.normalized)),
        screen_(items, ranking_),
        out_(out),
        plan_(request.method
                  ? make_plan(items, request.queries.rows, kept_, request.threads, *request.method)
                  : make_plan(items, request.queries.rows, kept_, request.threads, screen_.usable())) {
    if (!screen_.usable()) plan_.method = Method::f32;
    // Everything is allocated here: nothing throws once results are being written.
    const std::size_t heaps = plan_.round_queries * plan_.chunks;
    entries_.ensure(heaps * kept_, "search results");
    best_.reserve(heaps);
    for (std::size_t i = 0; i < heaps; ++i) best_.emplace_back(entries_.data() + i * kept_, kept_);
    survivors_.resize(heaps);
    shared_.reserve(plan_.round_queries);
    guesses_.resize(plan_.round_queries);
    last_keys_.resize(plan_.round_queries);
    by_f32_.resize(plan_.round_queries);
    workers_.resize(static_cast<std::size_t>(request.threads));
    for (Worker& worker : workers_) {
      worker.f32.prepare(items.dimension);
      worker.codes.prepare(items.dimension);
      worker.found.reserve(plan_.chunks * kept_);
    }
    batch_.reserve(plan_.round_queries, items.dimension);
    codes_.reserve(plan_.round_queries, items.dimension);
  }

  void run() noexcept {
    for (std::size_t begin = 0; begin < request_.queries.rows; begin += plan_.round_queries) {
      round(begin, std::min(plan_.round_queries, request_.queries.rows - begin));
    }
    if (request_.stats != nullptr) report(*request_.stats);
  }

 private:
  void round(std::size_t begin, std::size_t count) noexcept {
    count_ = count;
    batch_.prepare(request_.queries, begin, count, ranking_, table_, request_.threads);
    for (std::size_t q = 0; q < count; ++q) {
      guesses_[q] = kNoBound;
      by_f32_[q] = plan_.method == Method::f32 || !batch_.screenable(q) ? 1 : 0;
      shared_.set(q, kNoBound);
    }
    for (std::size_t i = 0; i < count * plan_.chunks; ++i) {
      best_[i].clear();
      best_[i].grow(kept_);
    }
    if (plan_.method != Method::f32) by_codes();
    by_f32();
    base::parallel_for(count, request_.threads, [&](std::size_t q, int worker) noexcept {
      write_row(q, begin + q, workers_[static_cast<std::size_t>(worker)].found);
    });
    if (plan_.method == Method::f32) return;
    repeat_unproven(begin);
  }

  /// Heap of a query's chunk. Heaps of a task lie together: chunk by chunk, one for each query of the round.
  TopK& best(std::size_t chunk, std::size_t q) noexcept { return best_[chunk * count_ + q]; }

  std::size_t chunk_begin(std::size_t chunk) const noexcept { return chunk * plan_.tiles / plan_.chunks; }

  void by_codes() noexcept {
    codes_.prepare(batch_, items_.dimension, table_.codes, request_.threads);
    // Queries that cannot be screened are left out: nothing reaches an infinite threshold.
    for (std::size_t q = 0; q < count_; ++q) {
      if (by_f32_[q] != 0) shared_.set(q, std::numeric_limits<double>::infinity());
    }
    if (plan_.sample_kept == 0) {
      run_codes(Pass::all);
      return;
    }
    std::fill(survivors_.begin(), survivors_.end(), 0U);
    for (std::size_t i = 0; i < count_ * plan_.chunks; ++i) best_[i].grow(plan_.sample_kept);
    run_codes(Pass::sample);
    base::parallel_for(count_, request_.threads, [&](std::size_t q, int worker) noexcept {
      guess(q, workers_[static_cast<std::size_t>(worker)].found);
    });
    if (static_cast<std::size_t>(std::count(by_f32_.begin(), by_f32_.begin() + static_cast<std::ptrdiff_t>(count_), 1)) >
        count_ / 2) {
      // The data defeats the screens.
      std::fill(by_f32_.begin(), by_f32_.begin() + static_cast<std::ptrdiff_t>(count_), std::uint8_t{1});
      return;
    }
    run_codes(Pass::rest);
  }

  void run_codes(Pass pass) noexcept {
    const Codes read = plan_.method == Method::coarse ? Codes::coarse : Codes::fine;
    const CodeScanContext context = {items_, table_, batch_, codes_, ranking_, read, shared_, plan_.chunks > 1};
    run_blocks(plan_.block_queries, [&](std::size_t first, std::size_t size, std::size_t chunk, Worker& worker) {
      scan_codes(context, pass, first, size, chunk_begin(chunk), chunk_begin(chunk + 1), &best(chunk, first),
                 survivors_.data() + chunk * count_ + first, worker.codes, worker.counts);
    });
  }

  /// From the best of the sample to a threshold for the rest that is almost surely a lower bound of the k-th best key.
  void guess(std::size_t q, std::vector<Entry>& found) noexcept {
    std::size_t survivors = 0;
    gather(q, found);
    for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk) {
      survivors += survivors_[chunk * count_ + q];
      best(chunk, q).grow(kept_);
    }
    if (by_f32_[q] != 0) return;
    if (survivors > plan_.most_sample_survivors) {
      by_f32_[q] = 1;
      shared_.set(q, std::numeric_limits<double>::infinity());
      return;
    }
    double bound = kNoBound;
    if (found.size() >= plan_.sample_kept) {
      const auto last = found.begin() + static_cast<std::ptrdiff_t>(plan_.sample_kept - 1);
      std::nth_element(found.begin(), last, found.end(), better);
      bound = last->key;
    }
    guesses_[q] = bound;
    shared_.set(q, bound);
  }

  /// Everything that is left to f32: all queries together, or, if they are few, one by one.
  void by_f32() noexcept {
    std::size_t left = 0;
    for (std::size_t q = 0; q < count_; ++q) left += by_f32_[q];
    by_f32_total_ += left;
    if (left == 0) return;
    for (std::size_t q = 0; q < count_; ++q) {
      if (by_f32_[q] == 0) continue;
      restart(q, kNoBound);
    }
    const F32ScanContext context = {items_, table_, batch_, ranking_, screen_, plan_.chunks > 1 ? &shared_ : nullptr};
    const auto scan = [&](std::size_t first, std::size_t size, std::size_t chunk, Worker& worker) {
      scan_f32(context, first, size, chunk_begin(chunk), chunk_begin(chunk + 1), &best(chunk, first), worker.f32,
               worker.counts);
    };
    if (left == count_) {
      run_blocks(plan_.block_queries, scan);
      return;
    }
    run_blocks(1, [&](std::size_t first, std::size_t size, std::size_t chunk, Worker& worker) {
      if (by_f32_[first] != 0) scan(first, size, chunk, worker);
    });
  }

  /// A guess is proven if the k-th best key lies above it: then it was a lower bound, and nothing that was dropped
  /// matters. Otherwise the query is scanned again, from the best bound that is certain.
  void repeat_unproven(std::size_t begin) noexcept {
    std::size_t unproven = 0;
    for (std::size_t q = 0; q < count_; ++q) {
      const bool proven = by_f32_[q] != 0 || guesses_[q] == kNoBound || last_keys_[q] > guesses_[q];
      unproven += proven ? 0 : 1;
      guesses_[q] = proven ? kNoBound : guesses_[q];
    }
    if (unproven == 0) return;
    repeated_ += unproven;
    for (std::size_t q = 0; q < count_; ++q) {
      if (guesses_[q] != kNoBound) restart(q, last_keys_[q]);
    }
    const CodeScanContext context = {items_,   table_,        batch_,  codes_,
                                     ranking_, Codes::coarse, shared_, plan_.chunks > 1};
    run_blocks(1, [&](std::size_t q, std::size_t size, std::size_t chunk, Worker& worker) {
      if (guesses_[q] == kNoBound) return;
      scan_codes(context, Pass::all, q, size, chunk_begin(chunk), chunk_begin(chunk + 1), &best(chunk, q),
                 survivors_.data() + chunk * count_ + q, worker.codes, worker.counts);
    });
    base::parallel_for(count_, request_.threads, [&](std::size_t q, int worker) noexcept {
      if (guesses_[q] != kNoBound) write_row(q, begin + q, workers_[static_cast<std::size_t>(worker)].found);
    });
  }

  void restart(std::size_t q, double bound) noexcept {
    for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk) {
      best(chunk, q).clear();
      best(chunk, q).grow(kept_);
    }
    shared_.set(q, bound);
  }

  void report(SearchStats& stats) const noexcept {
    stats = {};
    stats.queries = request_.queries.rows;
    stats.queries_by_f32 = by_f32_total_;
    stats.queries_repeated = repeated_;
    for (const Worker& worker : workers_) {
      stats.tiles_f32 += worker.counts.f32_tiles;
      stats.tiles_4bit += worker.counts.coarse_tiles;
      stats.tiles_8bit += worker.counts.fine_tiles;
      stats.candidates += worker.counts.candidates;
      stats.rescored += worker.counts.rescored;
    }
    const std::uint64_t plane = store::plane_tile_bytes(items_.dimension);
    stats.bytes_read = stats.tiles_f32 * kernels::kTileItems * items_.row_bytes() + stats.tiles_4bit * plane +
                       stats.tiles_8bit * 2 * plane + stats.rescored * items_.row_bytes();
  }

  /// Calls scan(first, size, chunk, worker) for every block of `block` queries and every chunk of tiles.
  template <typename Scan>
  void run_blocks(std::size_t block, Scan&& scan) noexcept {
    const std::size_t blocks = divide_up(count_, block);
    base::parallel_for(blocks * plan_.chunks, request_.threads, [&](std::size_t task, int worker) noexcept {
      const std::size_t first = task / plan_.chunks * block;
      scan(first, std::min(block, count_ - first), task % plan_.chunks, workers_[static_cast<std::size_t>(worker)]);
    });
  }

  void gather(std::size_t q, std::vector<Entry>& found) noexcept {
    found.clear();
    for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk) {
      found.insert(found.end(), best(chunk, q).begin(), best(chunk, q).begin() + best(chunk, q).size());
    }
  }

  void write_row(std::size_t q, std::size_t row, std::vector<Entry>& found) noexcept {
    gather(q, found);
    const std::size_t count = std::min(found.size(), kept_);
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(), better);
    last_keys_[q] = count == kept_ ? found[count - 1].key : kNoBound;
    std::int64_t* ids = out_.ids + row * request_.k;
    double* scores = out_.scores + row * request_.k;
    for (std::size_t i = 0; i < count; ++i) {
      ids[i] = found[i].id;
      scores[i] = base::reported_score(request_.metric, items_.normalized, found[i].key);
    }
    std::fill(ids + count, ids + request_.k, -1);
    std::fill(scores + count, scores + request_.k, base::worst_score(request_.metric));
    if (out_.counts != nullptr) out_.counts[row] = static_cast<std::int64_t>(count);
  }

  const store::ItemStore& items_;
  const kernels::KernelTable& table_;
  const Request& request_;
  std::size_t kept_;
  base::Ranking ranking_;
  F32Screen screen_;
  const ResultView& out_;
  Plan plan_;
  QueryBatch batch_;
  CodeBatch codes_;
  SharedBounds shared_;
  base::AlignedBuffer<Entry> entries_;
  std::vector<TopK> best_;
  std::vector<std::uint32_t> survivors_;
  std::vector<double> guesses_;
  std::vector<double> last_keys_;
  std::vector<std::uint8_t> by_f32_;
  std::vector<Worker> workers_;
  std::size_t count_ = 0;
  std::size_t repeated_ = 0;
  std::size_t by_f32_total_ = 0;
};

void write_nothing(const Request& request, const ResultView& out) noexcept {
  const std::size_t cells = request.queries.rows * request.k;
  std::fill(out.ids, out.ids + cells, -1);
  std::fill(out.scores, out.scores + cells, base::worst_score(request.metric));
  if (out.counts != nullptr) std::fill(out.counts, out.counts + request.queries.rows, 0);
}

}  // namespace

void search(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
            const ResultView& out) {
  if (request.stats != nullptr) *request.stats = {};
  if (request.queries.rows == 0) return;
  if (request.k == 0 || items.items == 0) {
    write_nothing(request, out);
    return;
  }
  try {
    Search(items, table, request, out).run();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "not enough memory for the search; use a smaller k or fewer queries");
  }
}

}  // namespace maxdot::search
