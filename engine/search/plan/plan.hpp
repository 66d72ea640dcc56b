// Plan: how a call is cut into work, and what its items are screened by.
//
//            tiles of 64 items ─────────────────────────────▶
//            chunk 0          chunk 1          chunk 2
//   round 0  ┌───────────────┬────────────────┬─────────────┐
//   block 0  │ task          │ task           │ task        │   block_queries queries
//   block 1  │ task          │ task           │ task        │
//   round 1  ├───────────────┼────────────────┼─────────────┤
//   block 2  │ ...           │                │             │
//
// A round is as many queries as memory has room for. Its blocks and chunks are tasks, which threads
// take in turn. Every task keeps a list of results for each of its queries; the lists of a query
// are joined when the round is over.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bounds/query_codes.hpp"
#include "search/plan/tuning.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// What the items are screened by.
enum class Method : std::uint8_t {
  f32,     ///< the rows themselves
  coarse,  ///< 4-bit codes: few queries, bound by memory
  five,    ///< the upper 5 bits, and
  six,     ///< the upper 6: batches, where the kernels have narrow codes; others read all 8 bits
  fine,    ///< 8-bit codes: batches, bound by arithmetic
  listed,  ///< not at all: the few items that a filter permits are scored one by one
};

constexpr bool by_codes(Method method) noexcept {
  return method != Method::f32 && method != Method::listed;
}

/// What `table` reads of the codes. Requires by_codes(method).
bounds::Codes codes_read(Method method, const kernels::KernelTable& table) noexcept;

struct Plan {
  Method method;
  std::size_t round_queries;
  std::size_t block_queries;
  std::size_t chunks;
  std::size_t tiles;
  /// Entries of one query's list in one chunk: no more than the chunk has items.
  std::size_t list_entries;
  /// The sample is one tile in so many.
  std::size_t sample_step;
  /// Results that are kept of the sample, to guess a threshold from; 0: no sample, the catalogue is
  /// small.
  std::size_t sample_kept;
  /// The fewest of them that the guess may be taken from.
  std::size_t sample_least;
  /// Items of the sample whose bounds are kept, to find these results among.
  std::size_t sample_bounds;
  /// Items that may be deferred for each query of a block, and of the sample.
  std::size_t deferred;
  std::size_t sample_deferred;
  /// A query with more wasted work than this in the sample (tuning.hpp) leaves the codes for f32.
  std::uint64_t most_wasted;

  std::size_t first_tile(std::size_t chunk) const noexcept { return chunk * tiles / chunks; }
};

/// What is planned: `queries` queries that keep `kept` results each, and need `filter_bytes` each
/// for their filters.
struct Work {
  std::size_t queries;
  std::size_t kept;
  std::size_t filter_bytes;
  int threads;
};

/// Memory that was reserved. A plan that `covers` it needs no more.
struct Capacity {
  std::size_t queries = 0;
  std::size_t lists = 0;
  std::size_t entries = 0;
  std::size_t list_entries = 0;  ///< of one query, in all chunks
  std::size_t block_queries = 0;
  std::size_t deferred = 0;      ///< of one query
  std::size_t all_deferred = 0;  ///< of a block

  /// Grows to what `plan` needs.
  void include(const Plan& plan) noexcept;
  bool covers(const Plan& plan) const noexcept;
};

/// What suits the work best: 4-bit codes, 8-bit codes, or rows (never rows on the disk). Requires
/// items, queries, kept >= 1.
Method choose_method(const store::ItemStore& items, const Work& work,
                     const Tuning& tuning) noexcept;

Plan make_plan(const store::ItemStore& items, const Work& work, Method method,
               const Tuning& tuning) noexcept;

/// A plan for `queries` of the work, within the memory that was reserved for all of it: `capacity`
/// includes its plan by this method. Nothing is allocated once a call has begun to return results.
Plan plan_within(const Capacity& capacity, const store::ItemStore& items, const Work& work,
                 std::size_t queries, Method method, const Tuning& tuning) noexcept;

/// Whether a query that may return only `permitted` items is best served by scoring each of them.
bool suits_list(const store::ItemStore& items, const Work& work, std::size_t permitted,
                const Tuning& tuning) noexcept;

}  // namespace maxdot::search
