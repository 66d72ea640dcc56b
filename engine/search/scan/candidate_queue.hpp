// CandidateQueue: from an item that its tile's limit let through to its 8-bit bound, and on to the
// rescorer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bounds/code_bound.hpp"
#include "search/scan/prefetch_ring.hpp"
#include "search/scan/rescorer.hpp"
#include "search/scan/row_scratch.hpp"
#include "search/scan/scan_counts.hpp"
#include "search/scan/thresholds.hpp"
#include "store/layout.hpp"

namespace maxdot::search {

/// The terms and low nibbles of a candidate are in no cache; they are fetched while the scan goes
/// on. `Results` is TopK or RangeList.
template <typename Results>
class CandidateQueue {
 public:
  CandidateQueue(const CodeScanContext& context, const Task& task, Results* results,
                 QueryNote* notes, Thresholds<Results>& thresholds, RowScratch& rows,
                 ScanCounts& counts) noexcept
      : context_(context),
        items_(context.scan.items),
        first_query_(task.first_query),
        notes_(notes),
        thresholds_(thresholds),
        counts_(counts),
        bound_(context.scan.items, context.codes, context.scan.ranking, context.read),
        rescorer_(context.scan, task.first_query, results, notes, rows, counts),
        low_bytes_(store::low_bytes(context.scan.items.dimension)) {}

  /// Query q, the product of the codes that were read with those of the item at `position`.
  void push(std::size_t q, std::int32_t product, std::size_t position) noexcept {
    if (ring_.full()) judge_oldest();
    __builtin_prefetch(items_.tiles + position / kernels::kTileItems);
    __builtin_prefetch(items_.terms + position);
    if (context_.read != bounds::Codes::fine) {
      const std::uint8_t* low = items_.low_at(position, low_bytes_);
      for (std::size_t b = 0; b < low_bytes_; b += store::kLineBytes) __builtin_prefetch(low + b);
      __builtin_prefetch(low + low_bytes_ - 1);
    }
    ring_.push({static_cast<std::uint32_t>(q), product, position});
  }

  /// Judges and scores all that is queued.
  [[gnu::noinline]] void drain() noexcept {
    while (ring_.size() != 0) judge_oldest();
    rescorer_.drain([this](std::size_t q) { thresholds_.raised(q); });
  }

  /// The product of signed codes, from what a kernel returned for query q.
  std::int32_t product(std::size_t q, std::int32_t returned) const noexcept {
    return context_.codes.product(first_query_ + q, returned);
  }
  const bounds::CodeBound& bound() const noexcept { return bound_; }

 private:
  struct Candidate {
    std::uint32_t q;
    std::int32_t product;
    std::size_t position;
  };

  std::int32_t fine_product(const Candidate& candidate) noexcept {
    if (context_.read == bounds::Codes::fine) return candidate.product;
    ++counts_.refined;
    const bounds::QueryCodes& codes = context_.codes;
    const std::size_t q = first_query_ + candidate.q;
    return candidate.product + codes.low_start(q) +
           context_.scan.kernels.codes.low_product(items_.low_at(candidate.position, low_bytes_),
                                                   store::quads_of(items_.dimension),
                                                   codes.halves(q), codes.half(), codes.low_mask());
  }

  // Inlined, because a call for each candidate is felt in large batches ("Queues" in
  // docs/measurements.md).
  [[gnu::always_inline]] void judge_oldest() noexcept {
    const Candidate candidate = ring_.pop();
    const std::size_t q = candidate.q;
    // Strictly below is out: equal keys must survive, ids decide them. A NaN survives.
    if (bound_.upper(first_query_ + q, candidate.position, fine_product(candidate)) <
        thresholds_.reach(q)) {
      if (context_.read == bounds::Codes::coarse)
        notes_[q].wasted += kWastedBound;
      else if (context_.read != bounds::Codes::fine)
        notes_[q].wasted += kWastedBatchBound;
      leave_if_wasteful(q);
      return;
    }
    const std::size_t row = items_.row_at(candidate.position);
    if (row >= items_.items) return;  // the order comes from a file
    if (context_.scan.filters != nullptr && !context_.scan.filters->permits(first_query_ + q, row))
      return;
    if (leave_if_wasteful(q)) return;
    rescorer_.push(q, row, [this](std::size_t changed) { thresholds_.raised(changed); });
  }

  bool leave_if_wasteful(std::size_t q) noexcept {
    const bool leaves = notes_[q].wasted > context_.most_wasted;
    if (leaves) thresholds_.leave(q);
    return leaves;
  }

  const CodeScanContext& context_;
  const store::ItemStore& items_;
  std::size_t first_query_;
  QueryNote* notes_;
  Thresholds<Results>& thresholds_;
  ScanCounts& counts_;
  bounds::CodeBound bound_;
  Rescorer<Results> rescorer_;
  std::size_t low_bytes_;
  PrefetchRing<Candidate> ring_;
};

}  // namespace maxdot::search
