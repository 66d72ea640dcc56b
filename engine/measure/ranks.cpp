// An item whose f32 score lies clearly on one side of the given item's key is counted by that score
// alone. The few others are scored in f64. "Clearly" is what bounds::F32Bound::intervals
// guarantees.

#include "measure/ranks.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/parallel.hpp"
#include "base/stop.hpp"
#include "bounds/f32_bound.hpp"
#include "bounds/prepared_queries.hpp"
#include "store/layout.hpp"

namespace maxdot::measure {
namespace {

using kernels::kTileItems;

constexpr std::size_t kBlockQueries = 512;  // share a packed panel, as in the softmax
constexpr std::size_t kGroupQueries = 24;   // their f32 scores of one tile (6 KiB) stay in L1
constexpr std::size_t kChunkTiles = 256;
constexpr std::size_t kRoundQueries = 2048;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Multiplications in kernels that take as long as a comparison of an item with a target, and as a
// multiplication in f64.
constexpr std::size_t kComparedWork = 64;
constexpr std::size_t kF64Work = 64;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// An item to be ranked. An interval of f32 scores above `ceiling` belongs to a better item, one
/// below `threshold` to a worse one.
struct Target {
  float threshold;
  float ceiling;
  double key;
  std::int64_t id;
  std::size_t row;
};

struct Scratch {
  base::AlignedBuffer<float> panel;
  kernels::TileTerms terms;
  alignas(64) float zero[kTileItems] = {};
  alignas(64) float scores[kGroupQueries * kTileItems];
  alignas(64) float low[kTileItems];
  alignas(64) float high[kTileItems];
  std::size_t in_f64 = 0;  // scores that f32 could not decide, of a tile
};

class Counter {
 public:
  Counter(const store::ItemStore& items, const kernels::KernelTable& kernels, base::Ranking ranking)
      : items_(items),
        kernels_(kernels),
        dot64_(kernels.dot64[static_cast<std::size_t>(items.dtype)]),
        ranking_(ranking),
        bound_(items, ranking) {}

  void reserve(std::size_t queries) {
    queries_.reserve(queries, items_.dimension);
    numbers_.reserve(queries);
  }

  /// Requires reserve() for at least `count`.
  void prepare(const MatrixView& queries, std::size_t begin, std::size_t count,
               int threads) noexcept {
    numbers_.resize(count);
    std::iota(numbers_.begin(), numbers_.end(), begin);
    queries_.prepare(queries, numbers_, ranking_, kernels_, threads);
  }

  Target target(std::size_t q, std::size_t row) const noexcept {
    const double key = key_of(q, row);
    const std::int64_t id = items_.id(row);
    if (!by_f32(q)) return {-kInfinity, kInfinity, key, id, row};
    return {queries_.threshold(q, key), queries_.ceiling(q, key), key, id, row};
  }

  /// Counts, for the targets of queries [begin, begin + count), the better items among the tile's.
  template <typename TargetsOf>
  void tile(std::size_t tile, std::size_t begin, std::size_t count, const TargetsOf& targets_of,
            Scratch& scratch) const noexcept {
    const std::size_t first = store::first_of_tile(tile);
    const std::size_t present = store::items_in_tile(items_.items, tile);
    bound_.fill(tile, scratch.terms);
    kernels_.pack_panel[static_cast<std::size_t>(items_.dtype)](
        items_.row(first), present, items_.dimension, scratch.panel.data());
    for (std::size_t q0 = begin; q0 < begin + count; q0 += kGroupQueries) {
      const std::size_t group = std::min(kGroupQueries, begin + count - q0);
      kernels_.logits_panel(scratch.panel.data(), items_.dimension, queries_.scaled(q0),
                            queries_.stride(), group, scratch.terms.scale, scratch.zero,
                            scratch.scores);
      for (std::size_t q = q0; q < q0 + group; ++q) {
        fill_intervals(q, scratch.scores + (q - q0) * kTileItems, present, scratch);
        targets_of(
            q, [&](const Target& target) { return better(q, target, first, present, scratch); });
      }
    }
  }

 private:
  /// Whether f32 scores may decide anything about this query.
  bool by_f32(std::size_t q) const noexcept { return bound_.usable() && queries_.screenable(q); }

  double key_of(std::size_t q, std::size_t row) const noexcept {
    const double dot = dot64_(queries_.values(q), items_.row(row), items_.dimension);
    return base::ranking_key(ranking_, dot, queries_.square(q), items_.squares[row]);
  }

  /// Where the true scores of the tile's items lie.
  void fill_intervals(std::size_t q, const float* scores, std::size_t present,
                      Scratch& scratch) const noexcept {
    if (!by_f32(q)) {
      std::fill(scratch.low, scratch.low + kTileItems, -kInfinity);
      std::fill(scratch.high, scratch.high + kTileItems, kInfinity);
      return;
    }
    bounds::F32Bound::intervals(scratch.terms, scores, queries_.biases()[q], scratch.low,
                                scratch.high);
    // Absent items lie below everything.
    std::fill(scratch.low + present, scratch.low + kTileItems, -kInfinity);
    std::fill(scratch.high + present, scratch.high + kTileItems, -kInfinity);
  }

  std::int64_t better(std::size_t q, const Target& target, std::size_t first, std::size_t present,
                      Scratch& scratch) const noexcept {
    int above = 0;
    int possible = 0;
    for (std::size_t i = 0; i < kTileItems; ++i) {
      above += scratch.low[i] > target.ceiling ? 1 : 0;
      possible += scratch.high[i] >= target.threshold ? 1 : 0;
    }
    if (above == possible) return above;
    for (std::size_t i = 0; i < present; ++i) {
      const bool decided =
          scratch.low[i] > target.ceiling || !(scratch.high[i] >= target.threshold);
      if (decided || first + i == target.row) continue;
      ++scratch.in_f64;
      const double key = key_of(q, first + i);
      if (key > target.key || (key == target.key && items_.id(first + i) < target.id)) ++above;
    }
    return above;
  }

  const store::ItemStore& items_;
  const kernels::KernelTable& kernels_;
  double (*dot64_)(const float*, const void*, std::size_t) noexcept;
  base::Ranking ranking_;
  bounds::F32Bound bound_;
  bounds::PreparedQueries queries_;
  std::vector<std::size_t> numbers_;  // of the round's rows
};

}  // namespace

void count_better(const store::ItemStore& items, const kernels::KernelTable& kernels,
                  base::Ranking ranking, const MatrixView& queries,
                  std::span<const std::int64_t> offsets, std::span<const std::size_t> rows,
                  int threads, std::int64_t* better) {
  const std::size_t tiles = store::tiles_of(items.items);
  const std::size_t chunks = divide_up(tiles, kChunkTiles);
  const std::size_t round_queries = std::min(queries.rows, kRoundQueries);
  Counter counter(items, kernels, ranking);
  counter.reserve(round_queries);
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads));
  for (Scratch& one : scratch) one.panel.ensure(items.dimension * kTileItems, "a packed tile");
  std::vector<Target> targets(rows.size());
  std::fill(better, better + rows.size(), 0);

  const auto places = [&](std::size_t query, const auto& visit) noexcept {
    for (auto p = static_cast<std::size_t>(offsets[query]);
         p < static_cast<std::size_t>(offsets[query + 1]); ++p) {
      if (rows[p] != kNoRow) visit(p);
    }
  };
  for (std::size_t begin = 0; begin < queries.rows; begin += round_queries) {
    const std::size_t count = std::min(round_queries, queries.rows - begin);
    counter.prepare(queries, begin, count, threads);
    base::parallel_for(count, threads, [&](std::size_t q, int) noexcept {
      places(begin + q, [&](std::size_t p) { targets[p] = counter.target(q, rows[p]); });
    });
    const std::size_t blocks = divide_up(count, kBlockQueries);
    base::parallel_for(blocks * chunks, threads, [&](std::size_t task, int worker) noexcept {
      const std::size_t first = task / chunks * kBlockQueries;
      const std::size_t tile = task % chunks * kChunkTiles;
      const auto count_for = [&](std::size_t q, const auto& better_of) noexcept {
        places(begin + q, [&](std::size_t p) {
          std::atomic_ref(better[p]).fetch_add(better_of(targets[p]), std::memory_order_relaxed);
        });
      };
      const std::size_t block = std::min(kBlockQueries, count - first);
      const std::size_t products = block * kernels::kTileItems * items.dimension;
      const auto compared =
          static_cast<std::size_t>(offsets[begin + first + block] - offsets[begin + first]) *
          kernels::kTileItems * kComparedWork;
      Scratch& own = scratch[static_cast<std::size_t>(worker)];
      base::StopWatch watch;
      for (std::size_t t = tile; t < std::min(tiles, tile + kChunkTiles); ++t) {
        own.in_f64 = 0;
        counter.tile(t, first, block, count_for, own);
        if (watch.stopped(products + compared + own.in_f64 * (items.dimension + 1) * kF64Work))
          break;
      }
    });
  }
}

}  // namespace maxdot::measure
