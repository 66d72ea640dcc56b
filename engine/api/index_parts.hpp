// What an Index holds, for the files of this folder that reach inside one, and the checks that they
// share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "maxdot/index.hpp"
#include "search/filter/filter_batch.hpp"
#include "store/id_map.hpp"
#include "store/item_store.hpp"

namespace maxdot::api {

struct IndexParts {
  IndexParts() noexcept = default;
  IndexParts(const IndexParts&) = delete;
  IndexParts& operator=(const IndexParts&) = delete;
  ~IndexParts() { delete id_map_.load(std::memory_order_relaxed); }

  std::shared_ptr<const store::ItemStore> items;

  /// Made when ids are first looked up. Throws Error: out_of_memory; unsupported for 2^32 - 1 items
  /// or more.
  const store::IdMap& id_map() const;

  /// Both throw Error (invalid_argument) for an empty Index.
  static const IndexParts& of(const Index& index);
  static const store::ItemStore& items_of(const Index& index) { return *of(index).items; }

 private:
  mutable std::atomic<const store::IdMap*> id_map_ = nullptr;  // owned
};

/// `threads`, or for 0 every core that this process may use. Throws Error (invalid_argument).
int checked_threads(int threads);

/// Throws Error (invalid_argument) for a value that is none of the enumeration's.
Metric checked_metric(Metric metric);

/// The same.
ScoreKind checked_score_kind(ScoreKind kind);

/// The same.
RowPlace checked_row_place(RowPlace place);
Load checked_load(Load load);

/// Throws Error (unsupported) if the rows are on the disk. `what` needs many of them, and names
/// itself in the message.
void require_rows_in_memory(const store::ItemStore& items, const char* what);

/// The filters for the engine. Throws Error (invalid_argument) unless lists that are given are one
/// for each of `count` `owners`, and a mask has a value for each item; (unsupported) for 2^32 - 1
/// items or more.
search::FilterRequest checked_filters(const IndexParts& index, const Filters& filters,
                                      std::size_t count, const char* owners);

/// As the public one.
void check_result_memory(std::size_t queries, std::size_t k, std::uint64_t most_bytes);

/// Throws Error (invalid_argument) unless `out` points to memory for [queries, k] results.
void check_results(const ResultView& out, std::size_t queries, std::size_t k);

/// Memory for [queries, k] results, at most so many bytes (0: what is free). Throws Error
/// (out_of_memory).
SearchResult room_for(std::size_t queries, std::size_t k, std::uint64_t most_bytes = 0);

/// Throws Error (invalid_argument) for queries of another dimension. The message calls them `name`.
void check_dimension(const MatrixView& queries, const char* name, std::size_t dimension);

/// Throws Error unless `queries` are finite rows of the items' dimension. The message calls them
/// `name`.
void check_queries(const store::ItemStore& items, const MatrixView& queries, const char* name,
                   int threads);

}  // namespace maxdot::api
