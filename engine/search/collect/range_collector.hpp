// RangeCollector: every item within the threshold of each query of a call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/result_memory.hpp"
#include "maxdot/index.hpp"
#include "search/collect/range_list.hpp"
#include "search/collect/results.hpp"

namespace maxdot::search {

class RangeCollector {
 public:
  using List = RangeList;
  /// Results have no bound, so a round is short: they lie in two places while its lists are joined.
  static constexpr std::size_t kMostRoundQueries = 2048;

  /// `thresholds`: one for each query of the call, in the units that are reported. `most_bytes`:
  /// what results may take; 0: what is free. `stop`: of the call, which it cancels where results
  /// are more. Throws std::bad_alloc.
  RangeCollector(const Reported& reported, std::span<const double> thresholds,
                 std::uint64_t most_bytes, base::Stop& stop);

  // The steps of a round: as TopKCollector's. Nothing is guessed: the thresholds are known.
  void reserve(std::size_t lists, std::size_t entries, std::size_t joined, std::size_t threads);
  void open(std::span<const std::size_t> rows, std::size_t chunks,
            std::size_t list_entries) noexcept;
  void open_sample(std::span<const std::size_t> rows, std::size_t chunks, std::size_t list_entries,
                   std::size_t) noexcept {
    open(rows, chunks, list_entries);
  }
  RangeList* lists(std::size_t chunk, std::size_t q) noexcept {
    return lists_.data() + chunk * queries_ + q;
  }
  double first_bound(std::size_t row) const noexcept {
    return RangeList::lowest_key(limit_of(row));
  }
  /// The scan of a sample tells whether the codes suit a query.
  static constexpr bool knows_bounds() noexcept { return false; }
  template <typename Complete>
  double guess(std::size_t, std::size_t, std::size_t, const Complete&) noexcept {
    return -std::numeric_limits<double>::infinity();
  }
  double join(std::size_t q, std::size_t row, std::size_t worker) noexcept;
  void write(std::size_t, std::size_t) noexcept {}

  /// Throws if memory did not suffice: std::bad_alloc, or Error (out_of_memory) if results are more
  /// than may be taken.
  void check_complete() const;

  /// What was found. Throws as check_complete does, and std::bad_alloc.
  RangeResult result(int threads);

 private:
  [[noreturn]] void refuse_size() const;
  RangeList::Limit limit_of(std::size_t row) const noexcept {
    return {reported_.metric, reported_.normalized, thresholds_[row]};
  }

  Reported reported_;
  std::span<const double> thresholds_;
  std::vector<RangeList> lists_;
  std::size_t queries_ = 0;
  std::size_t chunks_ = 0;
  base::ResultBudget budget_;
  std::vector<std::vector<Entry>> found_;  // of each query of the call
  // On a thread of its own nothing may be thrown: whoever asks for the result learns of it.
  std::atomic<bool> complete_{true};
};

}  // namespace maxdot::search
