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
  /// Answers each request: into its `out`, or by its `error`. Reorders them. Returns how many
  /// searches that took.
  std::size_t answer(std::span<Request*> requests, int threads) noexcept;

 private:
  void answer_alone(Request& request, int threads) noexcept;
  /// Throws Error, std::bad_alloc.
  void answer_together(std::span<Request* const> requests, int threads);
  MatrixView gather_rows(std::span<Request* const> requests, std::size_t queries);
  IdLists gather(IdLists Filters::*lists, std::span<Request* const> requests, OwnedIdLists& room);

  Workspace workspace_;
  std::vector<unsigned char> rows_;
  OwnedIdLists exclude_;
  OwnedIdLists allow_;
  std::vector<std::int64_t> ids_;
  std::vector<double> scores_;
  std::vector<std::int64_t> counts_;
};

}  // namespace maxdot::serve
