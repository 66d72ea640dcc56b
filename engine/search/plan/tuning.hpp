// Tuning: the constants whose best value depends on the CPU, one record for each family of
// instruction sets. docs/measurements.md says where each figure was measured.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace maxdot::search {

/// Most queries of one task that scans codes, and of one that scans rows. A thread's scratch memory
/// has room for as many.
inline constexpr std::size_t kMostCodeQueries = 512;
inline constexpr std::size_t kMostF32Queries = 256;

/// Wasted work is counted in quarters of a row that was scored and not wanted. An 8-bit bound that
/// drops an item which 4 bits let through costs about half a row. ("Wasted work")
inline constexpr std::uint32_t kWastedRow = 4;
inline constexpr std::uint32_t kWastedBound = 2;
/// The same in a batch: the low nibbles have just been read for the tile.
inline constexpr std::uint32_t kWastedBatchBound = 1;

struct Tuning {
  // Which codes are read.
  /// [queries] Up to so many are screened by 4-bit codes, whatever the k. ("4 or 8 bits")
  std::size_t coarse_queries;
  /// [queries] The same for a k of up to coarse_results. ("4 or 8 bits")
  std::size_t coarse_queries_for_few;
  std::size_t coarse_results;

  /// [results] Up to so many a batch reads 5 bits of the codes, with fewer than large_batch queries
  /// and with more; up to six_results 6 bits, beyond that all 8. 0: all 8. ("Narrow codes")
  std::size_t five_results_of_few;
  std::size_t five_results;
  std::size_t six_results;

  // When rows pay more than codes.
  /// [items] A smaller catalogue lies in the caches: preparing codes does not pay. ("Rows or
  /// codes")
  std::size_t fewest_items;
  /// [items per result] With more results than one item in so many, rows are scanned: a few
  /// queries, and a batch. ("Rows or codes")
  std::size_t items_per_result_of_few;
  std::size_t items_per_result;
  /// [items] What a row that is scored for nothing costs, in items scanned by f32: after 4 bits,
  /// after 8 bits for fewer than large_batch queries, and for more. ("Wasted work")
  std::size_t items_per_row_coarse;
  std::size_t items_per_row;
  std::size_t items_per_row_large;

  // How a call is cut into tasks.
  /// [queries] Of a task that scans 8-bit codes, unless every thread has its share of tasks of
  /// kMostCodeQueries. ("Blocks")
  std::size_t code_block;
  /// [tasks per thread] When a query is split: after 4 bits, else. ("Tasks")
  std::size_t tasks_of_few;
  std::size_t tasks;
  /// [queries] From here on the codes are read for so many queries that a row weighs little, and
  /// nothing is deferred. ("Deferred")
  std::size_t large_batch;

  // The sample and the deferred items.
  /// [tiles] One in so many is in the sample; one in sparse_step for 4 bits, from sparse_tiles
  /// tiles on. ("Sample")
  std::size_t sample_step;
  std::size_t sparse_step;
  std::size_t sparse_tiles;
  /// [items per query] That may be deferred after 4 bits; after 8, so many and so many for each
  /// result. ("Deferred")
  std::size_t deferred_coarse;
  std::size_t deferred;
  std::size_t deferred_per_result;

  // Memory.
  /// [tiles] How far ahead codes are fetched. ("Fetching ahead")
  std::size_t coarse_tiles_ahead;
  std::size_t fine_tiles_ahead;
  /// [queries] Up to here each query reads the rows of a tile itself; more share a transposed copy.
  /// ("Rows or a panel")
  std::size_t direct_queries;
};

/// The record of the kernels' family.
const Tuning& tuning_of(const kernels::KernelTable& table) noexcept;

}  // namespace maxdot::search
