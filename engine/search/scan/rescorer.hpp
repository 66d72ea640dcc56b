// Rescorer: the exact scores of the items that every bound let through, a little later. The row of
// such an item is in no cache; it is fetched while the scan goes on. If it is on the disk, it waits
// until there are many (RowBatch).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/score.hpp"
#include "search/scan/prefetch_ring.hpp"
#include "search/scan/row_batch.hpp"
#include "search/scan/scan_context.hpp"
#include "search/scan/scan_counts.hpp"

namespace maxdot::search {

/// `Results` keeps what is scored: TopK or RangeList.
template <typename Results>
class Rescorer {
 public:
  /// Scores for queries [first_query, ...) go to results[0], ... Their wasted work is noted in
  /// notes[0], ... `scratch` is for rows on the disk.
  Rescorer(const ScanContext& context, std::size_t first_query, Results* results, QueryNote* notes,
           RowScratch& scratch, ScanCounts& counts) noexcept
      : items_(context.items),
        queries_(context.queries),
        ranking_(context.ranking),
        dot64_(context.kernels.dot64[static_cast<std::size_t>(context.items.dtype)]),
        dot64_four_(context.kernels.dot64_four[static_cast<std::size_t>(context.items.dtype)]),
        first_query_(first_query),
        results_(results),
        notes_(notes),
        counts_(counts) {
    if (context.reads != nullptr) batch_.emplace(*context.reads, scratch);
  }

  /// Takes an item; when the ring is full, scores the four oldest; of rows on the disk, all.
  /// `raised(q)` is called whenever the bound of query q has changed.
  template <typename Raised>
  void push(std::size_t q, std::size_t row, Raised&& raised) noexcept {
    ++counts_.rescored;
    if (batch_) return push_on_disk(q, row, raised);
    if (ring_.full()) score_four(raised);
    const unsigned char* data = items_.row(row);
    for (std::size_t b = 0; b < items_.row_bytes(); b += store::kLineBytes)
      __builtin_prefetch(data + b);
    __builtin_prefetch(&items_.squares[row]);
    ring_.push({q, row});
  }

  template <typename Raised>
  void drain(Raised&& raised) noexcept {
    if (batch_) return score_batch(raised);
    while (ring_.size() >= 4) score_four(raised);
    while (ring_.size() != 0) {
      const Pair pair = ring_.pop();
      offer(pair, dot64_(query(pair), items_.row(pair.row), items_.dimension), raised);
    }
  }

 private:
  struct Pair {
    std::size_t q;
    std::size_t row;
  };

  const float* query(const Pair& pair) const noexcept {
    return queries_.values(first_query_ + pair.q);
  }

  template <typename Raised>
  [[gnu::noinline]] void push_on_disk(std::size_t q, std::size_t row, Raised& raised) noexcept {
    if (batch_->full()) score_batch(raised);
    batch_->push(q, row);
  }

  template <typename Raised>
  [[gnu::noinline]] void score_batch(Raised& raised) noexcept {
    batch_->take_all([&](const RowPair* pairs, const void* const* rows, std::size_t count) {
      const float* queries[4];
      double dots[4];
      for (std::size_t i = 0; i < count; ++i) queries[i] = query({pairs[i].q, pairs[i].row});
      if (count == 4) {
        dot64_four_(queries, rows, items_.dimension, dots);
      } else {
        for (std::size_t i = 0; i < count; ++i)
          dots[i] = dot64_(queries[i], rows[i], items_.dimension);
      }
      for (std::size_t i = 0; i < count; ++i) offer({pairs[i].q, pairs[i].row}, dots[i], raised);
    });
  }

  // Four at a time: a sum of dot64 depends on the one before, and four hide each other's latency.
  template <typename Raised>
  void score_four(Raised& raised) noexcept {
    Pair pairs[4];
    const float* queries[4];
    const void* rows[4];
    double dots[4];
    for (std::size_t i = 0; i < 4; ++i) {
      pairs[i] = ring_.pop();
      queries[i] = query(pairs[i]);
      rows[i] = items_.row(pairs[i].row);
    }
    dot64_four_(queries, rows, items_.dimension, dots);
    for (std::size_t i = 0; i < 4; ++i) offer(pairs[i], dots[i], raised);
  }

  template <typename Raised>
  void offer(const Pair& pair, double dot, Raised& raised) noexcept {
    const double key = base::ranking_key(ranking_, dot, queries_.square(first_query_ + pair.q),
                                         items_.squares[pair.row]);
    Results& results = results_[pair.q];
    const double bound = results.bound();
    if (!results.offer({key, items_.id(pair.row)})) {
      notes_[pair.q].wasted += kWastedRow;
    } else if (results.bound() > bound) {
      raised(pair.q);
    }
  }

  // Not through the context: an offer is too short for another load on the way to each of these.
  const store::ItemStore& items_;
  const bounds::PreparedQueries& queries_;
  base::Ranking ranking_;
  double (*dot64_)(const float*, const void*, std::size_t) noexcept;
  void (*dot64_four_)(const float* const*, const void* const*, std::size_t, double*) noexcept;
  std::size_t first_query_;
  Results* results_;
  QueryNote* notes_;
  ScanCounts& counts_;
  PrefetchRing<Pair> ring_;
  std::optional<RowBatch> batch_;  // if rows are on the disk
};

}  // namespace maxdot::search
