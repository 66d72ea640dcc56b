// CandidateQueue: from an item that its tile's limit let through to its 8-bit bound, and on to the rescorer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "search/code_bound.hpp"
#include "search/code_scan.hpp"
#include "search/rescorer.hpp"
#include "search/thresholds.hpp"
#include "store/layout.hpp"

namespace maxdot::search {

/// A candidate's terms and low nibbles are in no cache: it waits for them while others, or the scan, go on. `Results` is TopK
/// or RangeList.
template <typename Results>
class CandidateQueue {
 public:
  CandidateQueue(const CodeScanContext& context, std::size_t begin, Results* best, std::uint32_t* rejected,
                 Thresholds<Results>& thresholds, ScanCounts& counts) noexcept
      : context_(context),
        begin_(begin),
        rejected_(rejected),
        thresholds_(thresholds),
        counts_(counts),
        bound_(context.items, context.codes, context.ranking, context.read),
        rescorer_(context.items, context.kernels, context.queries, context.ranking, begin, best, rejected),
        low_bytes_(store::low_bytes(context.items.dimension)) {}

  /// Query q, the product of the codes that were read with those of the item at `position`.
  void push(std::size_t q, std::int32_t dot, std::size_t position) noexcept {
    if (size_ == kWaiting) judge_oldest();
    __builtin_prefetch(context_.items.tiles + position / kernels::kTileItems);
    __builtin_prefetch(context_.items.terms + position);
    if (context_.read == Codes::coarse) {
      const std::uint8_t* low = low_of(position);
      for (std::size_t b = 0; b < low_bytes_; b += store::kLineBytes) __builtin_prefetch(low + b);
      __builtin_prefetch(low + low_bytes_ - 1);
    }
    waiting_[(oldest_ + size_++) % kWaiting] = {static_cast<std::uint32_t>(q), dot, position};
  }

  /// Scores all that wait.
  void drain() noexcept {
    while (size_ != 0) judge_oldest();
    rescorer_.drain([this](std::size_t q) { thresholds_.raised(q); });
  }

  const CodeBound& bound() const noexcept { return bound_; }

 private:
  // As in the rescorer: more only age the threshold.
  static constexpr std::size_t kWaiting = 16;

  struct Candidate {
    std::uint32_t q;
    std::int32_t dot;
    std::size_t position;
  };

  const std::uint8_t* low_of(std::size_t position) const noexcept {
    return context_.items.low + position * low_bytes_;
  }

  std::int32_t fine_product(const Candidate& candidate) noexcept {
    if (context_.read == Codes::fine) return candidate.dot;
    ++counts_.refined;
    const CodeBatch& codes = context_.codes;
    const std::size_t q = begin_ + candidate.q;
    return candidate.dot + codes.low_start(q) +
           context_.kernels.codes.low_product(low_of(candidate.position), store::quads_of(context_.items.dimension),
                                              codes.halves(q), codes.half());
  }

  void judge_oldest() noexcept {
    const Candidate candidate = waiting_[oldest_];
    oldest_ = (oldest_ + 1) % kWaiting;
    --size_;
    const std::size_t q = candidate.q;
    // Strictly below is out: equal keys must survive, ids decide them. A NaN survives.
    if (bound_.upper(begin_ + q, candidate.position, fine_product(candidate)) < thresholds_.reach(q)) {
      if (context_.read == Codes::coarse) rejected_[q] += kBoundedInVain;
      if (thresholds_.given_up(q)) thresholds_.update(q);
      return;
    }
    const std::size_t row = context_.items.row_at(candidate.position);
    if (row >= context_.items.items) return;  // the order comes from a file
    if (context_.filters != nullptr && !context_.filters->permits(begin_ + q, row)) return;
    if (thresholds_.given_up(q)) return thresholds_.update(q);
    ++counts_.rescored;
    rescorer_.push(q, row, [this](std::size_t changed) { thresholds_.raised(changed); });
  }

  const CodeScanContext& context_;
  std::size_t begin_;
  std::uint32_t* rejected_;
  Thresholds<Results>& thresholds_;
  ScanCounts& counts_;
  CodeBound bound_;
  Rescorer<Results> rescorer_;
  std::size_t low_bytes_;
  std::array<Candidate, kWaiting> waiting_;
  std::size_t oldest_ = 0;
  std::size_t size_ = 0;
};

}  // namespace maxdot::search
