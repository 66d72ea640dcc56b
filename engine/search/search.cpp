#include "search/search.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/parallel.hpp"
#include "maxdot/error.hpp"
#include "search/scan.hpp"

namespace maxdot::search {
namespace {

// Results in progress take at most this much memory, or those of one block of queries if that is more.
constexpr std::size_t kHeapBytes = std::size_t{32} << 20;

// Tasks per thread when a query is split: enough to even out, few enough to keep thresholds sharp.
constexpr std::size_t kTasksPerThread = 4;

/// How one call is cut: queries into rounds (bounded memory) of blocks, tiles into chunks; a task is (block, chunk).
struct Plan {
  std::size_t round_queries;
  std::size_t block_queries;
  std::size_t chunks;
  std::size_t tiles;
};

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

Plan make_plan(std::size_t items, std::size_t queries, std::size_t kept, int threads) {
  Plan plan = {};
  plan.tiles = divide_up(items, kernels::kTileItems);
  const auto workers = static_cast<std::size_t>(threads);
  const std::size_t query_bytes = kept * sizeof(Entry);
  // A block's heaps should stay in reach of the caches: a large k means fewer queries at once.
  plan.block_queries = std::clamp<std::size_t>(kHeapBytes / workers / query_bytes, 1, kMaxBlockQueries);
  plan.block_queries = std::min(plan.block_queries, queries);
  const std::size_t blocks = divide_up(queries, plan.block_queries);
  const std::size_t wanted = workers * kTasksPerThread;
  plan.chunks = workers == 1 || blocks >= wanted ? 1 : std::min(divide_up(wanted, blocks), plan.tiles);
  const std::size_t affordable = kHeapBytes / (query_bytes * plan.chunks) / plan.block_queries * plan.block_queries;
  plan.round_queries = std::min(queries, std::max(affordable, plan.block_queries));
  return plan;
}

void write_row(std::vector<Entry>& found, std::size_t kept, std::size_t k, Metric metric, bool normalized,
               std::size_t row, const ResultView& out) noexcept {
  const std::size_t count = std::min(found.size(), kept);
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(), better);
  std::int64_t* ids = out.ids + row * k;
  double* scores = out.scores + row * k;
  for (std::size_t i = 0; i < count; ++i) {
    ids[i] = found[i].id;
    scores[i] = base::reported_score(metric, normalized, found[i].key);
  }
  std::fill(ids + count, ids + k, -1);
  std::fill(scores + count, scores + k, base::worst_score(metric));
  if (out.counts != nullptr) out.counts[row] = static_cast<std::int64_t>(count);
}

class Search {
 public:
  Search(const store::ItemStore& items, const kernels::KernelTable& table, const MatrixView& queries, std::size_t k,
         Metric metric, int threads, const ResultView& out)
      : items_(items),
        table_(table),
        queries_(queries),
        k_(k),
        kept_(std::min(k, items.items)),
        metric_(metric),
        threads_(threads),
        out_(out),
        plan_(make_plan(items.items, queries.rows, kept_, threads)) {
    // Everything is allocated here: nothing throws once results are being written.
    entries_.ensure(plan_.round_queries * plan_.chunks * kept_, "search results");
    best_.reserve(plan_.round_queries * plan_.chunks);
    scratch_.resize(static_cast<std::size_t>(threads));
    for (ScanScratch& scratch : scratch_) scratch.prepare(items.dimension);
    found_.resize(static_cast<std::size_t>(threads));
    for (std::vector<Entry>& found : found_) found.reserve(plan_.chunks * kept_);
    if (plan_.chunks > 1) shared_.reset(plan_.round_queries);
    batch_.reserve(plan_.round_queries, queries.cols);
  }

  void run() {
    for (std::size_t begin = 0; begin < queries_.rows; begin += plan_.round_queries) {
      round(begin, std::min(plan_.round_queries, queries_.rows - begin));
    }
  }

 private:
  void round(std::size_t begin, std::size_t count) {
    const base::Ranking ranking = base::ranking_of(metric_, items_.normalized);
    batch_.prepare(queries_, begin, count, ranking, table_, threads_);
    if (plan_.chunks > 1) shared_.reset(count);
    best_.clear();
    for (std::size_t i = 0; i < count * plan_.chunks; ++i) best_.emplace_back(entries_.data() + i * kept_, kept_);

    const ScanContext context = {items_,  table_, batch_, ranking, F32Screen(items_, ranking),
                                 plan_.chunks > 1 ? &shared_ : nullptr};
    const std::size_t blocks = divide_up(count, plan_.block_queries);
    base::parallel_for(blocks * plan_.chunks, threads_, [&](std::size_t task, int worker) noexcept {
      const std::size_t block = task / plan_.chunks;
      const std::size_t chunk = task % plan_.chunks;
      const std::size_t first = block * plan_.block_queries;
      const std::size_t size = std::min(plan_.block_queries, count - first);
      // Heaps of a task lie together: chunk by chunk, a heap for each query of the round.
      scan(context, first, size, chunk * plan_.tiles / plan_.chunks, (chunk + 1) * plan_.tiles / plan_.chunks,
           best_.data() + chunk * count + first, scratch_[static_cast<std::size_t>(worker)]);
    });

    base::parallel_for(count, threads_, [&](std::size_t q, int worker) noexcept {
      std::vector<Entry>& found = found_[static_cast<std::size_t>(worker)];
      found.clear();
      for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk) {
        const TopK& best = best_[chunk * count + q];
        found.insert(found.end(), best.begin(), best.begin() + best.size());
      }
      write_row(found, kept_, k_, metric_, items_.normalized, begin + q, out_);
    });
  }

  const store::ItemStore& items_;
  const kernels::KernelTable& table_;
  const MatrixView& queries_;
  std::size_t k_;
  std::size_t kept_;
  Metric metric_;
  int threads_;
  const ResultView& out_;
  Plan plan_;
  QueryBatch batch_;
  SharedBounds shared_;
  base::AlignedBuffer<Entry> entries_;
  std::vector<TopK> best_;
  std::vector<ScanScratch> scratch_;
  std::vector<std::vector<Entry>> found_;
};

void write_nothing(std::size_t queries, std::size_t k, Metric metric, const ResultView& out) noexcept {
  std::fill(out.ids, out.ids + queries * k, -1);
  std::fill(out.scores, out.scores + queries * k, base::worst_score(metric));
  if (out.counts != nullptr) std::fill(out.counts, out.counts + queries, 0);
}

}  // namespace

void search(const store::ItemStore& items, const kernels::KernelTable& table, const MatrixView& queries,
            std::size_t k, Metric metric, int threads, const ResultView& out) {
  if (queries.rows == 0) return;
  if (k == 0 || items.items == 0) {
    write_nothing(queries.rows, k, metric, out);
    return;
  }
  try {
    Search(items, table, queries, k, metric, threads, out).run();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "not enough memory for the search; use a smaller k or fewer queries");
  }
}

}  // namespace maxdot::search
