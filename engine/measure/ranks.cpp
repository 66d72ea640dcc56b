// Items whose f32 score lies clearly on one side of the given item's are counted by it; the few others are
// scored in f64. "Clearly" is the bound of the f32 screen (docs/exactness.md), taken on both sides.

#include "measure/ranks.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/f16.hpp"
#include "base/parallel.hpp"

namespace maxdot::measure {
namespace {

using kernels::kTileItems;

constexpr std::size_t kBlockQueries = 512;  // share a packed panel, as in the softmax
constexpr std::size_t kGroupQueries = 24;  // their f32 scores of one tile (6 KiB) stay in L1
constexpr std::size_t kChunkTiles = 256;
constexpr std::size_t kRoundQueries = 2048;

// The range in which the f32 bound holds, as for the screen.
constexpr double kSmallestSquare = 0x1p-80;
constexpr double kLargestSquare = 0x1p80;
constexpr float kSmallestSlackNorm = 0x1p-60F;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

bool in_range(double square) noexcept {
  return square == 0.0 || (square >= kSmallestSquare && square <= kLargestSquare);
}

/// An item to be ranked: f32 scores above `high` are better, those below `low` are not.
struct Target {
  float low;
  float high;
  double key;
  std::int64_t id;
  std::size_t row;
};

struct Query {
  double square;
  double factor;  // the power of two that brings the norm into [1, 2)
  bool ordinary;  // whether f32 scores may be used
};

struct Scratch {
  base::AlignedBuffer<float> panel;
  alignas(64) float scale[kTileItems];
  alignas(64) float zero[kTileItems] = {};
  alignas(64) float bias[kTileItems];
  alignas(64) float slack[kTileItems];
  alignas(64) float scores[kGroupQueries * kTileItems];
  alignas(64) float low[kTileItems];
  alignas(64) float high[kTileItems];
};

class Counter {
 public:
  Counter(const store::ItemStore& items, const kernels::KernelTable& kernels, base::Ranking ranking)
      : items_(items),
        kernels_(kernels),
        dot64_(kernels.dot64[static_cast<std::size_t>(items.dtype)]),
        ranking_(ranking),
        stride_(divide_up(items.dimension, kernels::kQueryPadding) * kernels::kQueryPadding),
        usable_(in_range(items.largest_square)),
        relative_error_(2.0F * static_cast<float>(items.dimension + 40) * 0x1p-24F * 1.01F) {}

  void reserve(std::size_t queries) {
    values_.ensure(queries * stride_, "queries");
    scaled_.ensure(queries * stride_, "queries");
    queries_.resize(queries);
  }

  void prepare(const MatrixView& queries, std::size_t row, std::size_t q) noexcept {
    float* values = values_.data() + q * stride_;
    if (queries.dtype == DType::f32) {
      const auto* source = static_cast<const float*>(queries.row(row));
      std::copy(source, source + queries.cols, values);
    } else {
      const auto* halves = static_cast<const std::uint16_t*>(queries.row(row));
      std::transform(halves, halves + queries.cols, values, base::f16_to_f32);
    }
    const double square = kernels_.dot64[0](values, values, queries.cols);
    const int exponent = square == 0.0 ? 0 : std::ilogb(std::sqrt(square));
    queries_[q] = {square, std::ldexp(1.0, -exponent), usable_ && in_range(square)};
    float* scaled = scaled_.data() + q * stride_;
    for (std::size_t j = 0; j < queries.cols; ++j) {
      scaled[j] =
          queries_[q].ordinary ? static_cast<float>(static_cast<double>(values[j]) * queries_[q].factor) : 0.0F;
    }
  }

  Target target(std::size_t q, std::size_t row) const noexcept {
    const Query& query = queries_[q];
    const double key = key_of(q, row);
    double score = key;
    double margin = 0.0;
    if (ranking_ == base::Ranking::cosine) score = key * std::sqrt(query.square);
    if (ranking_ == base::Ranking::euclidean) {
      // -|q-x|^2 > key  <=>  q·x - |x|^2/2 > (key + |q|^2) / 2. The sum cancels: the margin covers its f64
      // rounding.
      score = 0.5 * (key + query.square);
      margin = 0x1p-45 * (std::fabs(key) + query.square);
    }
    return {static_cast<float>((score - margin) * query.factor),
            static_cast<float>((score + margin) * query.factor), key, items_.id(row), row};
  }

  /// Counts, for the targets of queries [begin, begin + count), the better items among the tile's.
  template <typename TargetsOf>
  void tile(std::size_t tile, std::size_t begin, std::size_t count, const TargetsOf& targets_of,
            Scratch& scratch) const noexcept {
    const std::size_t first = tile * kTileItems;
    const std::size_t present = std::min(kTileItems, items_.items - first);
    fill_terms(first, present, scratch);
    kernels_.pack_panel[static_cast<std::size_t>(items_.dtype)](items_.row(first), present, items_.dimension,
                                                                scratch.panel.data());
    for (std::size_t q0 = begin; q0 < begin + count; q0 += kGroupQueries) {
      const std::size_t group = std::min(kGroupQueries, begin + count - q0);
      kernels_.logits_panel(scratch.panel.data(), items_.dimension, scaled_.data() + q0 * stride_, stride_,
                            group, scratch.scale, scratch.zero, scratch.scores);
      for (std::size_t q = q0; q < q0 + group; ++q) {
        fill_intervals(q, scratch.scores + (q - q0) * kTileItems, scratch);
        targets_of(q, [&](const Target& target) { return better(q, target, first, present, scratch); });
      }
    }
  }

 private:
  double key_of(std::size_t q, std::size_t row) const noexcept {
    const double dot = dot64_(values_.data() + q * stride_, items_.row(row), items_.dimension);
    return base::ranking_key(ranking_, dot, queries_[q].square, items_.squares[row]);
  }

  void fill_terms(std::size_t first, std::size_t present, Scratch& scratch) const noexcept {
    for (std::size_t i = 0; i < present; ++i) {
      const auto norm = static_cast<float>(std::sqrt(items_.squares[first + i]));
      const bool normal = norm >= kSmallestSlackNorm;
      scratch.scale[i] = 1.0F;
      scratch.bias[i] = 0.0F;
      scratch.slack[i] = relative_error_ * std::max(norm, kSmallestSlackNorm);
      if (ranking_ == base::Ranking::euclidean) scratch.bias[i] = -0.5F * norm * norm;
      if (ranking_ != base::Ranking::cosine) continue;
      // A norm too small to divide by decides nothing; a zero vector's cosine is exactly 0.
      scratch.scale[i] = normal ? 1.0F / norm : 0.0F;
      scratch.slack[i] = normal || items_.squares[first + i] == 0.0 ? relative_error_ : kInfinity;
    }
    // Absent items lie below everything.
    std::fill(scratch.scale + present, scratch.scale + kTileItems, 0.0F);
    std::fill(scratch.bias + present, scratch.bias + kTileItems, -kInfinity);
    std::fill(scratch.slack + present, scratch.slack + kTileItems, 0.0F);
  }

  /// Where the true scores of the tile lie, in the units of Target.
  void fill_intervals(std::size_t q, const float* scores, Scratch& scratch) const noexcept {
    if (!queries_[q].ordinary) {
      std::fill(scratch.low, scratch.low + kTileItems, -kInfinity);
      std::fill(scratch.high, scratch.high + kTileItems, kInfinity);
      return;
    }
    const auto factor = static_cast<float>(queries_[q].factor);
    for (std::size_t i = 0; i < kTileItems; ++i) {
      const float bias = factor * scratch.bias[i];
      // 2^-20 of the bias is more than the roundings of norm, square, product and sums.
      const float slack = scratch.slack[i] - 0x1p-20F * std::max(bias, -0x1p125F);
      scratch.low[i] = (scores[i] + bias) - slack;
      scratch.high[i] = (scores[i] + bias) + slack;
    }
  }

  std::int64_t better(std::size_t q, const Target& target, std::size_t first, std::size_t present,
                      const Scratch& scratch) const noexcept {
    int above = 0;
    int possible = 0;
    for (std::size_t i = 0; i < kTileItems; ++i) {
      above += scratch.low[i] > target.high ? 1 : 0;
      possible += scratch.high[i] >= target.low ? 1 : 0;
    }
    if (above == possible) return above;
    for (std::size_t i = 0; i < present; ++i) {
      if (scratch.low[i] > target.high || !(scratch.high[i] >= target.low) || first + i == target.row) continue;
      const double key = key_of(q, first + i);
      if (key > target.key || (key == target.key && items_.id(first + i) < target.id)) ++above;
    }
    return above;
  }

  const store::ItemStore& items_;
  const kernels::KernelTable& kernels_;
  double (*dot64_)(const float*, const void*, std::size_t) noexcept;
  base::Ranking ranking_;
  std::size_t stride_;
  bool usable_;
  float relative_error_;
  base::AlignedBuffer<float> values_;
  base::AlignedBuffer<float> scaled_;
  std::vector<Query> queries_;
};

}  // namespace

void count_better(const store::ItemStore& items, const kernels::KernelTable& kernels, base::Ranking ranking,
                  const MatrixView& queries, std::span<const std::int64_t> offsets,
                  std::span<const std::size_t> rows, int threads, std::int64_t* better) {
  const std::size_t tiles = divide_up(items.items, kTileItems);
  const std::size_t chunks = divide_up(tiles, kChunkTiles);
  const std::size_t round_queries = std::min(queries.rows, kRoundQueries);
  Counter counter(items, kernels, ranking);
  counter.reserve(round_queries);
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads));
  for (Scratch& one : scratch) one.panel.ensure(items.dimension * kTileItems, "a packed tile");
  std::vector<Target> targets(rows.size());
  std::fill(better, better + rows.size(), 0);

  const auto places = [&](std::size_t query, const auto& visit) noexcept {
    for (auto p = static_cast<std::size_t>(offsets[query]); p < static_cast<std::size_t>(offsets[query + 1]);
         ++p) {
      if (rows[p] != kNoRow) visit(p);
    }
  };
  for (std::size_t begin = 0; begin < queries.rows; begin += round_queries) {
    const std::size_t count = std::min(round_queries, queries.rows - begin);
    base::parallel_for(count, threads, [&](std::size_t q, int) noexcept {
      counter.prepare(queries, begin + q, q);
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
      for (std::size_t t = tile; t < std::min(tiles, tile + kChunkTiles); ++t) {
        counter.tile(t, first, std::min(kBlockQueries, count - first), count_for,
                     scratch[static_cast<std::size_t>(worker)]);
      }
    });
  }
}

}  // namespace maxdot::measure
