// Rescorer: the exact scores of what survived, a little later. A survivor's row is in no cache; between its arrival and
// its turn the scan goes on, so that the memory's latency is hidden.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "search/query_batch.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// Work in vain is counted in quarters of a row that was scored and not wanted. An 8-bit bound that drops an item which 4 bits let
/// through costs about half of that (bench_worst, one cluster, one query: 25 ns, where a row of f32 takes 17 to scan).
inline constexpr std::uint32_t kScoredInVain = 4;
inline constexpr std::uint32_t kBoundedInVain = 2;

/// `Results` keeps what is scored: TopK or RangeList.
template <typename Results>
class Rescorer {
 public:
  /// Scores for queries [begin, ...) of `queries` go to best[0], ... rejected[0], ... grow by the work in vain.
  Rescorer(const store::ItemStore& items, const kernels::KernelTable& kernels, const QueryBatch& queries,
           base::Ranking ranking, std::size_t begin, Results* best,
           std::uint32_t* rejected) noexcept
      : items_(items),
        dot64_(kernels.dot64[static_cast<std::size_t>(items.dtype)]),
        dot64_four_(kernels.dot64_four[static_cast<std::size_t>(items.dtype)]),
        queries_(queries),
        ranking_(ranking),
        begin_(begin),
        best_(best),
        rejected_(rejected) {}

  /// Takes a survivor; when the queue is full, scores the four oldest. `raised(q)` is called whenever the
  /// bound of query q has changed.
  template <typename Raised>
  void push(std::size_t q, std::size_t row, Raised&& raised) noexcept {
    if (size_ == kWaiting) pop_four(raised);
    const unsigned char* data = items_.row(row);
    for (std::size_t b = 0; b < items_.row_bytes(); b += 64) __builtin_prefetch(data + b);
    __builtin_prefetch(&items_.squares[row]);
    waiting_[(first_ + size_++) % kWaiting] = {q, row};
  }

  template <typename Raised>
  void drain(Raised&& raised) noexcept {
    while (size_ >= 4) pop_four(raised);
    while (size_ != 0) {
      const Survivor survivor = next();
      offer(survivor, dot64_(query(survivor), items_.row(survivor.row), items_.dimension), raised);
    }
  }

 private:
  // 8, 16 and 32 are within 2 % (1M x 128, one query from DRAM, and 256); more only age the threshold.
  static constexpr std::size_t kWaiting = 16;

  struct Survivor {
    std::size_t q;
    std::size_t row;
  };

  Survivor next() noexcept {
    const Survivor survivor = waiting_[first_];
    first_ = (first_ + 1) % kWaiting;
    --size_;
    return survivor;
  }

  const float* query(const Survivor& survivor) const noexcept { return queries_.values(begin_ + survivor.q); }

  template <typename Raised>
  void pop_four(Raised& raised) noexcept {
    Survivor survivors[4];
    const float* queries[4];
    const void* rows[4];
    double dots[4];
    for (std::size_t i = 0; i < 4; ++i) {
      survivors[i] = next();
      queries[i] = query(survivors[i]);
      rows[i] = items_.row(survivors[i].row);
    }
    dot64_four_(queries, rows, items_.dimension, dots);
    for (std::size_t i = 0; i < 4; ++i) offer(survivors[i], dots[i], raised);
  }

  template <typename Raised>
  void offer(const Survivor& survivor, double dot, Raised& raised) noexcept {
    const double key =
        base::ranking_key(ranking_, dot, queries_.square(begin_ + survivor.q), items_.squares[survivor.row]);
    Results& best = best_[survivor.q];
    const double bound = best.bound();
    if (!best.offer({key, items_.id(survivor.row)})) {
      rejected_[survivor.q] += kScoredInVain;
    } else if (best.bound() != bound) {
      raised(survivor.q);
    }
  }

  const store::ItemStore& items_;
  double (*dot64_)(const float*, const void*, std::size_t) noexcept;
  void (*dot64_four_)(const float* const*, const void* const*, std::size_t, double*) noexcept;
  const QueryBatch& queries_;
  base::Ranking ranking_;
  std::size_t begin_;
  Results* best_;
  std::uint32_t* rejected_;
  std::array<Survivor, kWaiting> waiting_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace maxdot::search
