// Batcher: many callers with a query at a time, answered in batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>

#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/search_stats.hpp"

namespace maxdot::serve {
class Queue;  // hidden: what it holds
}

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

/// A search that a Batcher has made for the requests that share it.
struct BatchReport {
  std::size_t queries = 0;
  /// [seconds] Of each request, from its arrival until this search began. The requests that it
  /// answers are as many.
  std::span<const double> waited = {};
  double seconds = 0.0;  ///< of the search
  SearchStats stats = {};
};

struct BatcherOptions {
  /// Queries that are searched at once, at most; a request of more is searched alone.
  std::size_t most_batch_queries = 256;
  /// Queries that wait, at most, those under way not counted. A request that would make more is
  /// refused with Error (overloaded) at once.
  std::size_t most_waiting_queries = 4096;
  /// Threads of a batch; 0 = every core that this process may use.
  int threads = 0;
  /// Told of every search that has succeeded, on the thread that has made it, one at a time and
  /// before its answers are handed over, so it should be short. It must not throw, and must not
  /// wait for this Batcher.
  std::function<void(const BatchReport& report)> on_batch = nullptr;
};

/// As of SearchOptions. What `filters` views must live until the request is answered.
struct RequestOptions {
  std::optional<Metric> metric = std::nullopt;
  Filters filters = {};
  ScoreKind score_kind = ScoreKind::scores;
  /// [seconds] From the beginning of the call. A request whose search has not begun by then ends
  /// with Error (timeout). 0: it waits as long as it takes.
  double timeout = 0.0;
};

/// What a Batcher has done since it was made.
struct BatcherStats {
  std::uint64_t requests = 0;         ///< answered, with results or an error
  std::uint64_t queries = 0;          ///< of these requests
  std::uint64_t batches = 0;          ///< searches that answered them
  std::uint64_t largest_batch = 0;    ///< queries, those that came too late among them
  std::uint64_t overloaded = 0;       ///< requests refused
  std::uint64_t timeouts = 0;         ///< requests whose search did not begin in time
  std::uint64_t waiting_queries = 0;  ///< now
};

/// Gathers the requests of many threads into batches, which cost much less than single queries.
/// There is no timer: whatever has come while a batch was searched is the next one, as databases
/// commit (group commit). So a lone caller does not wait for others, and the more callers there
/// are, the larger the batches. Answers are bit for bit those of Index::search.
///
/// A caller that waits searches the batch that its request is in, with the threads of the options;
/// requests that nobody waits for (`submit`) are searched on a thread of the Batcher. Every member
/// but the destructor may be called from any number of threads. A child after fork must make
/// another one.
class Batcher {
 public:
  /// Throws Error: invalid_argument (an empty index, negative threads, most_batch_queries outside 1
  /// to 65,536, most_waiting_queries of 0), out_of_memory.
  explicit Batcher(const Index& index, const BatcherOptions& options = {});
  /// Asks the newest version that there is when a batch begins. The LiveIndex stays open until the
  /// Batcher is gone. Requests must not have an `item_mask`, which is of one version. Throws Error:
  /// invalid_argument, out_of_memory.
  explicit Batcher(const LiveIndex& index, const BatcherOptions& options = {});
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;
  /// Answers what was submitted. Requires that no thread waits in a search.
  ~Batcher();

  /// Index::search, in a batch with the requests of others. Throws what that throws, and Error:
  /// overloaded, timeout. Requests that cannot be searched as they are (dimension, NaN, lists) are
  /// refused before they wait, and others never get their errors.
  SearchResult search(const MatrixView& queries, std::size_t k, const RequestOptions& options = {});

  /// The same into the caller's memory.
  void search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                   const RequestOptions& options = {});

  /// Gets the answer: results, or an Error and no results.
  using Done = std::function<void(SearchResult&& result, const Error* error)>;

  /// Does not wait. `queries` are copied; what filters view must live until `done` is called, once,
  /// on the thread that has searched: it should be short, must not throw, and must not wait for
  /// this Batcher. Throws Error as search does for what is refused; then `done` is not called.
  void submit(const MatrixView& queries, std::size_t k, Done done,
              const RequestOptions& options = {});

  /// The same with a future, whose get() throws what search throws.
  std::future<SearchResult> submit(const MatrixView& queries, std::size_t k,
                                   const RequestOptions& options = {});

  /// From now on requests are asked of `index`, which may have another dimension. Those that have
  /// come before get the answers of the one before, which lives until the last of them is
  /// answered. Throws Error: invalid_argument (an empty index), out_of_memory.
  void replace(const Index& index);
  /// The one that is asked now; empty if it is a LiveIndex.
  Index index() const;

  BatcherStats stats() const noexcept;

 private:
  std::unique_ptr<serve::Queue> queue_;
};

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
