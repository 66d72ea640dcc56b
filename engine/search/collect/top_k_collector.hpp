// TopKCollector: the k best of each query of a call, from the lists of its chunks to the caller's
// memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "search/collect/results.hpp"
#include "search/collect/top_k.hpp"

namespace maxdot::search {

/// Reused from round to round and from call to call.
struct TopKMemory {
  base::AlignedBuffer<Entry> entries;
  std::vector<TopK> lists;
  std::vector<std::vector<Entry>> joined;  ///< of each thread

  std::size_t bytes() const noexcept;
};

class TopKCollector {
 public:
  using List = TopK;
  /// The plan decides how many queries make a round.
  static constexpr std::size_t kMostRoundQueries = static_cast<std::size_t>(-1);

  /// `kept`: results that a query can have, 1 to k. `floors`: of Request.
  TopKCollector(const ResultView& out, const Reported& reported, std::size_t k, std::size_t kept,
                std::span<const double> floors, TopKMemory& memory) noexcept
      : out_(out), reported_(reported), k_(k), kept_(kept), floors_(floors), memory_(memory) {}

  std::size_t kept() const noexcept { return kept_; }

  /// Memory for `lists` lists at a time of `entries` entries in all, `joined` of them of one query.
  /// Throws Error (out_of_memory) or std::bad_alloc.
  void reserve(std::size_t lists, std::size_t entries, std::size_t joined, std::size_t threads);

  /// Empty lists for a round of these rows, one for each query and chunk; a sample keeps fewer
  /// results.
  void open(std::span<const std::size_t> rows, std::size_t chunks,
            std::size_t list_entries) noexcept;
  void open_sample(std::span<const std::size_t> rows, std::size_t chunks, std::size_t list_entries,
                   std::size_t sample_kept) noexcept;

  /// The lists of a chunk, from query q of the round on.
  TopK* lists(std::size_t chunk, std::size_t q) noexcept {
    return memory_.lists.data() + chunk * queries_ + q;
  }

  /// A lower bound of the keys wanted by the query in `row`, before anything was found.
  double first_bound(std::size_t row) const noexcept {
    return floors_.empty() ? -std::numeric_limits<double>::infinity() : floors_[row];
  }
  /// Whether these bounds are as good as a guess would be.
  bool knows_bounds() const noexcept { return !floors_.empty(); }

  /// After the sample: a bound that is almost surely below the k-th best key; -inf if too little
  /// was found. A somewhat bolder one, no better than the `least`-th that was found, if only above
  /// that the sample is `complete`. The lists go on with what they have. Uses the memory of
  /// `worker`.
  template <typename Complete>
  double guess(std::size_t q, std::size_t worker, std::size_t least,
               const Complete& complete) noexcept {
    std::vector<Entry>& found = memory_.joined[worker];
    gather(q, found);
    for (std::size_t chunk = 0; chunk < chunks_; ++chunk) lists(chunk, q)->grow(kept_);
    if (found.size() < wanted_) return -std::numeric_limits<double>::infinity();
    const auto last = found.begin() + static_cast<std::ptrdiff_t>(wanted_);
    std::partial_sort(found.begin(), last, found.end(), Better());
    std::size_t rank = wanted_;
    while (rank > least && !complete(found[rank - 1].key)) --rank;
    return found[(complete(found[rank - 1].key) ? rank : wanted_) - 1].key;
  }

  /// Joins the lists of query q in the memory of `worker`. Returns the k-th best key, -inf for
  /// fewer than k.
  double join(std::size_t q, std::size_t row, std::size_t worker) noexcept;
  /// Writes what `worker` joined last as the results of `row`.
  void write(std::size_t row, std::size_t worker) noexcept;

 private:
  void open(std::size_t queries, std::size_t chunks, std::size_t list_entries,
            std::size_t wanted) noexcept;
  void gather(std::size_t q, std::vector<Entry>& joined) noexcept;

  const ResultView& out_;
  Reported reported_;
  std::size_t k_;
  std::size_t kept_;
  std::span<const double> floors_;
  TopKMemory& memory_;
  std::size_t queries_ = 0;
  std::size_t chunks_ = 0;
  std::size_t wanted_ = 0;
};

}  // namespace maxdot::search
