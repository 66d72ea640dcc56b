#include "softmax/log_sum_exp.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/elementary.hpp"
#include "base/parallel.hpp"
#include "base/stop.hpp"
#include "softmax/queries.hpp"
#include "store/layout.hpp"

namespace maxdot::softmax {
namespace {

using kernels::kSoftmaxLanes;
using kernels::kTileItems;

// The unit of summation, so a part of the definition: sums of 16,384 items, added up in ascending
// order.
constexpr std::size_t kChunkTiles = 256;

// [queries] That share a packed panel, and whose logits (6 KiB) are held in L1 at once. ("Softmax"
// in docs/measurements.md)
constexpr std::size_t kBlockQueries = 512;
constexpr std::size_t kGroupQueries = 24;

// Below every logit that f32 handles, and below that, what an absent item gets: e^(kAbsent -
// kStart) is 0.
constexpr float kStart = -0x1p126F;
constexpr float kAbsent = -0x1p127F;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// sum * e^largest, in f64.
struct Sum {
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0.0;

  void add(double term, double exponent) noexcept {
    if (term == 0.0) return;
    if (exponent > largest) {
      sum *= base::exp(largest - exponent);
      largest = exponent;
    }
    sum += term * base::exp(exponent - largest);
  }
  double logarithm() const noexcept { return sum > 0.0 ? largest + base::log(sum) : largest; }
};

/// Memory of one thread.
struct Scratch {
  base::AlignedBuffer<float> panel;
  alignas(64) float scale[kTileItems];
  alignas(64) float bias[kTileItems];
  alignas(64) float logits[kGroupQueries * kTileItems];
  kernels::SoftmaxState states[kBlockQueries];
  Sum exact[kBlockQueries];  // what f32 must not touch
};

class Chunk {
 public:
  Chunk(const Logits& logits, const Queries& queries, const std::size_t* left_out,
        Scratch& scratch) noexcept
      : logits_(logits),
        items_(logits.items),
        queries_(queries),
        left_out_(left_out),
        scratch_(scratch) {}

  /// Sums tiles [tile_begin, tile_end) for queries [begin, begin + count) of the round into sums[0
  /// .. count).
  void run(std::size_t begin, std::size_t count, std::size_t tile_begin, std::size_t tile_end,
           Sum* sums) noexcept {
    for (std::size_t q = 0; q < count; ++q) {
      kernels::SoftmaxState& state = scratch_.states[q];
      std::fill(state.largest, state.largest + kSoftmaxLanes, kStart);
      std::fill(state.sum, state.sum + kSoftmaxLanes, 0.0F);
      std::fill(state.lost, state.lost + kSoftmaxLanes, 0.0F);
      scratch_.exact[q] = {};
    }
    base::StopWatch watch;
    for (std::size_t tile = tile_begin; tile < tile_end; ++tile) {
      const std::size_t exact = add_tile(tile, begin, count);
      const std::size_t work = count * kTileItems * items_.dimension;
      if (watch.stopped(work + exact * (items_.dimension + 1) * kExactWork)) break;
    }
    for (std::size_t q = 0; q < count; ++q) sums[q] = total(scratch_.states[q], scratch_.exact[q]);
  }

 private:
  // Multiplications in kernels that take as long as one on the way of a logit in f64.
  static constexpr std::size_t kExactWork = 64;

  // Returns how many logits were computed in f64.
  std::size_t add_tile(std::size_t tile, std::size_t begin, std::size_t count) noexcept {
    std::size_t in_f64 = 0;
    const std::size_t first = store::first_of_tile(tile);
    const std::size_t present = store::items_in_tile(items_.items, tile);
    const std::uint64_t all = ~std::uint64_t{0} >> (kTileItems - present);
    const std::uint64_t unusual = fill_terms(first, present);
    const kernels::KernelTable& kernels = logits_.kernels;
    kernels.pack_panel[static_cast<std::size_t>(items_.dtype)](
        items_.row(first), present, items_.dimension, scratch_.panel.data());
    for (std::size_t q0 = 0; q0 < count; q0 += kGroupQueries) {
      const std::size_t group = std::min(kGroupQueries, count - q0);
      kernels.logits_panel(scratch_.panel.data(), items_.dimension, queries_.divided(begin + q0),
                           queries_.stride(), group, scratch_.scale, scratch_.bias,
                           scratch_.logits);
      for (std::size_t q = q0; q < q0 + group; ++q) {
        float* row = scratch_.logits + (q - q0) * kTileItems;
        const std::uint64_t exact = queries_.ordinary(begin + q) ? unusual : all;
        if (exact != 0) add_exactly(q, begin + q, first, exact, row);
        in_f64 += static_cast<std::size_t>(std::popcount(exact));
        if (left_out_ != nullptr && left_out_[begin + q] - first < present)
          row[left_out_[begin + q] - first] = kAbsent;
      }
      kernels.accumulate_exp(scratch_.logits, group, scratch_.states + q0);
    }
    return in_f64;
  }

  // Terms of logits_panel for one tile. Returns the items that f32 must not touch.
  std::uint64_t fill_terms(std::size_t first, std::size_t present) noexcept {
    std::fill(scratch_.scale + present, scratch_.scale + kTileItems, 0.0F);
    std::fill(scratch_.bias + present, scratch_.bias + kTileItems, kAbsent);
    const bool cosine = logits_.ranking == base::Ranking::cosine;
    std::uint64_t unusual = 0;
    for (std::size_t i = 0; i < present; ++i) {
      const double square = items_.squares[first + i];
      const double log_q = logits_.log_q == nullptr ? 0.0 : logits_.log_q[first + i];
      const bool ordinary = square <= kLargestSquare &&
                            (!cosine || square == 0.0 || square >= kSmallestSquare) &&
                            std::fabs(log_q) <= kLargestLogQ;
      if (!ordinary) unusual |= std::uint64_t{1} << i;
      scratch_.scale[i] =
          cosine && square > 0.0 ? static_cast<float>(1.0 / std::sqrt(square)) : 1.0F;
      scratch_.bias[i] = static_cast<float>(-log_q);
    }
    return unusual;
  }

  void add_exactly(std::size_t slot, std::size_t q, std::size_t first, std::uint64_t mask,
                   float* row) noexcept {
    for (; mask != 0; mask &= mask - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(mask));
      row[i] = kAbsent;
      if (left_out_ != nullptr && left_out_[q] == first + i) continue;
      scratch_.exact[slot].add(1.0, logits_.of(queries_.values(q), queries_.square(q), first + i));
    }
  }

  static Sum total(const kernels::SoftmaxState& state, const Sum& exact) noexcept {
    Sum sum = exact;
    for (std::size_t l = 0; l < kSoftmaxLanes; ++l) {
      sum.add(static_cast<double>(state.sum[l]) - static_cast<double>(state.lost[l]),
              static_cast<double>(state.largest[l]));
    }
    return sum;
  }

  const Logits& logits_;
  const store::ItemStore& items_;
  const Queries& queries_;
  const std::size_t* left_out_;  // of the round's first query
  Scratch& scratch_;
};

}  // namespace

double Logits::of(const float* query, double square, std::size_t row) const noexcept {
  const double dot =
      kernels.dot64[static_cast<std::size_t>(items.dtype)](query, items.row(row), items.dimension);
  const double score = base::ranking_key(ranking, dot, square, items.squares[row]);
  return score / temperature - (log_q == nullptr ? 0.0 : log_q[row]);
}

void log_sum_exp(const Logits& logits, const MatrixView& queries, const std::size_t* left_out,
                 int threads, double* out) {
  const std::size_t tiles = store::tiles_of(logits.items.items);
  const std::size_t chunks = divide_up(tiles, kChunkTiles);
  const auto workers = static_cast<std::size_t>(threads);
  const std::size_t round_queries = std::min(queries.rows, kBlockQueries * workers);

  // Everything is allocated here: nothing throws once results are being written.
  Queries ready;
  ready.reserve(round_queries, queries.cols);
  std::vector<Scratch> scratch(std::min(workers, divide_up(round_queries, kBlockQueries) * chunks));
  for (Scratch& one : scratch) one.panel.ensure(queries.cols * kTileItems, "a packed tile");
  std::vector<Sum> sums(round_queries * chunks);

  for (std::size_t begin = 0; begin < queries.rows; begin += round_queries) {
    const std::size_t count = std::min(round_queries, queries.rows - begin);
    base::parallel_for(count, threads, [&](std::size_t q, int) noexcept {
      ready.prepare(logits, queries, begin + q, q);
    });
    const std::size_t blocks = divide_up(count, kBlockQueries);
    base::parallel_for(blocks * chunks, threads, [&](std::size_t task, int worker) noexcept {
      const std::size_t first = task / chunks * kBlockQueries;
      const std::size_t chunk = task % chunks;
      Chunk sum(logits, ready, left_out == nullptr ? nullptr : left_out + begin,
                scratch[static_cast<std::size_t>(worker)]);
      sum.run(first, std::min(kBlockQueries, count - first), chunk * kChunkTiles,
              std::min(tiles, (chunk + 1) * kChunkTiles),
              sums.data() + chunk * round_queries + first);
    });
    base::parallel_for(count, threads, [&](std::size_t q, int) noexcept {
      Sum all;
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
        const Sum& part = sums[chunk * round_queries + q];
        all.add(part.sum, part.largest);
      }
      out[begin + q] = all.logarithm();
    });
    base::throw_if_stopped();
  }
}

}  // namespace maxdot::softmax
