// Round: some queries of a call, together, from their vectors to their results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/index.hpp"
#include "search/code_batch.hpp"
#include "search/code_scan.hpp"
#include "search/f32_scan.hpp"
#include "search/f32_screen.hpp"
#include "search/filter_batch.hpp"
#include "search/plan.hpp"
#include "search/query_batch.hpp"
#include "search/scan_counts.hpp"
#include "search/shared_bounds.hpp"
#include "search/top_k.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// What a call asks of every round.
struct RoundContext {
  const store::ItemStore& items;
  const kernels::KernelTable& table;
  const MatrixView& queries;
  std::size_t k;
  Metric metric;
  int threads;
  /// Which items may be returned; null: all.
  FilterBatch* filters;
  /// Results that a query keeps: k, or all that it may return if that is less.
  std::size_t kept;
  /// Whether keys are reported instead of scores.
  bool keys;
  const ResultView& out;
};

/// Memory of rounds, reused from one to the next and from call to call.
struct RoundMemory {
  /// Of one thread.
  struct Worker {
    F32Scratch f32;
    CodeScratch codes;
    std::vector<Entry> found;
    ScanCounts counts;
  };

  QueryBatch batch;
  CodeBatch codes;
  FilterBatch filters;
  SharedBounds shared;
  base::AlignedBuffer<Entry> entries;
  std::vector<TopK> best;
  std::vector<std::uint32_t> rejected;
  std::vector<double> guesses;
  std::vector<double> last_keys;
  std::vector<std::uint8_t> defeated;
  std::vector<Worker> workers;

  /// Throws Error (out_of_memory) or std::bad_alloc.
  void reserve(const Plan& plan, const RoundContext& context);
  /// Whether a round of this plan needs no more than was reserved: it must not allocate.
  bool holds(const Plan& plan, const RoundContext& context) const noexcept;
  /// About how much memory it holds.
  std::size_t bytes() const noexcept;
};

class Round {
 public:
  /// Requires memory reserved for `plan`, and rows.size() <= plan.round_queries.
  Round(const RoundContext& context, const Plan& plan, std::span<const std::size_t> rows, RoundMemory& memory) noexcept;

  /// Searches by the plan's method. `bounds`: a lower bound of each query's k-th best key, or empty. Without bounds, and
  /// if the plan samples, thresholds are guessed. Writes every row's results, also those that need another round.
  void run(std::span<const double> bounds) noexcept;

  /// After run(): whether the screens let so much of the sample survive that query `q` is better served by f32. Its
  /// results are not right.
  bool defeated(std::size_t q) const noexcept { return memory_.defeated[q] != 0; }
  /// Whether the guess of query `q` was proven. If not, its results may not be right.
  bool proven(std::size_t q) const noexcept {
    // Everything above the guess was found. If the k-th best lies above it, nothing that was dropped matters.
    return memory_.guesses[q] == kNoBound || memory_.last_keys[q] > memory_.guesses[q];
  }
  /// A lower bound of the k-th best key of query `q`.
  double certain_bound(std::size_t q) const noexcept { return memory_.last_keys[q]; }

 private:
  void run_codes(Pass pass) noexcept;
  void run_f32() noexcept;
  void run_listed() noexcept;
  void sample() noexcept;
  void guess(std::size_t q, std::vector<Entry>& found) noexcept;
  void gather(std::size_t q, std::vector<Entry>& found) noexcept;
  void write(std::size_t q, std::vector<Entry>& found) noexcept;

  template <typename Scan>
  void for_each_task(Scan&& scan) noexcept;

  /// Heap of a query's chunk. Heaps of a task lie together: chunk by chunk, one for each query.
  TopK& best(std::size_t chunk, std::size_t q) noexcept { return memory_.best[chunk * count_ + q]; }
  std::size_t first_tile(std::size_t chunk) const noexcept { return chunk * plan_.tiles / plan_.chunks; }

  const RoundContext& context_;
  const Plan& plan_;
  std::span<const std::size_t> rows_;
  RoundMemory& memory_;
  std::size_t count_;
  base::Ranking ranking_;
};

}  // namespace maxdot::search
