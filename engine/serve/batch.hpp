// The requests that are searched at once: which of them share a search, and their rows, lists and
// results on the way there and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "maxdot/workspace.hpp"
#include "serve/request.hpp"

namespace maxdot::serve {

/// Keeps its memory from batch to batch. For one thread at a time.
class Batch {
 public:
  /// The options outlive it. Throws std::bad_alloc.
  explicit Batch(const BatcherOptions& options);

  /// Answers each request: into its `out`, or by its `error`. Reorders them. Returns how many
  /// searches that took. Requires no more requests than `most_batch_queries`.
  std::size_t answer(std::span<Request*> requests) noexcept;

 private:
  void answer_alone(Request& request) noexcept;
  /// Throws Error, std::bad_alloc.
  void answer_together(std::span<Request* const> requests);
  /// Searches, and tells of it. `options` of `requests`, which are of `queries`. Throws Error.
  void search(std::span<Request* const> requests, const MatrixView& queries, std::size_t k,
              const ResultView& out, SearchOptions options);
  MatrixView gather_rows(std::span<Request* const> requests, std::size_t queries);
  IdLists gather(IdLists Filters::*lists, std::span<Request* const> requests, OwnedIdLists& room);

  const BatcherOptions& options_;
  Workspace workspace_;
  std::vector<double> waited_;
  std::vector<unsigned char> rows_;
  OwnedIdLists exclude_;
  OwnedIdLists allow_;
  std::vector<std::int64_t> ids_;
  std::vector<double> scores_;
  std::vector<std::int64_t> counts_;
};

}  // namespace maxdot::serve
