// Plan: how one call is cut into work, and which screen reads the items.
#pragma once

#include <cstddef>
#include <cstdint>

#include "store/item_store.hpp"

namespace maxdot::search {

/// What the items are screened by.
enum class Method : std::uint8_t {
  f32,     ///< the rows themselves
  coarse,  ///< 4-bit codes: few queries, bound by memory
  fine,    ///< 8-bit codes: batches, bound by arithmetic
  listed,  ///< not at all: the few items that a filter permits are scored one by one
};

/// Queries go in rounds (bounded memory) of blocks, tiles in chunks; a task is a block and a chunk.
struct Plan {
  Method method;
  std::size_t round_queries;
  std::size_t block_queries;
  std::size_t chunks;
  std::size_t tiles;
  /// Memory of one query's best in one chunk: no more than the chunk has items.
  std::size_t heap_entries;
  std::size_t sample_step;
  /// Best of the sample that are kept to guess a threshold from; 0: no guess, the catalogue is small.
  std::size_t sample_kept;
  /// Items that may wait for each query of a block until they are judged best first.
  std::size_t deferred;
  /// A query with more work in vain than this in the sample (rescorer.hpp) is better served by f32.
  std::size_t most_sample_rejected;
};

/// What is planned: `queries` queries that keep `kept` results each, and need `filter_bytes` each for their filters.
struct Work {
  std::size_t queries;
  std::size_t kept;
  std::size_t filter_bytes;
  int threads;
};

/// By the method that suits it. Requires items, queries, kept >= 1.
Plan make_plan(const store::ItemStore& items, const Work& work) noexcept;

/// The same by the method given.
Plan make_plan(const store::ItemStore& items, const Work& work, Method method) noexcept;

/// Whether a query that may return only `permitted` items is best served by scoring each of them.
bool suits_list(const store::ItemStore& items, const Work& work, std::size_t permitted) noexcept;

}  // namespace maxdot::search
