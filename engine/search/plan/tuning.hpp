// Tuning: the constants whose best value depends on the CPU, one record for each family of
// instruction sets. docs/measurements.md says where each figure was measured.
#pragma once

#include <array>
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

  /// [items per result] With so many a large batch reads 5 bits of the codes, or 6, and a batch of
  /// fewer than large_batch queries 6; otherwise all 8. The smaller the share of the catalogue that
  /// is wanted, the fewer items pass a wide bound. ("Narrow codes")
  std::size_t items_per_result_five;
  std::size_t items_per_result_six;
  std::size_t items_per_result_six_of_few;

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
  /// [tiles] At most one in so many is in the sample; in sparse_step for 4 bits, from sparse_tiles
  /// tiles on. Fewer in a large catalogue (plan.cpp). ("Sample")
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

/// The fields by name, for whoever prints or varies them.
struct TuningField {
  const char* name;
  std::size_t Tuning::*value;
};
inline constexpr std::array<TuningField, 25> tuning_fields = {{
    {"coarse_queries", &Tuning::coarse_queries},
    {"coarse_queries_for_few", &Tuning::coarse_queries_for_few},
    {"coarse_results", &Tuning::coarse_results},
    {"items_per_result_five", &Tuning::items_per_result_five},
    {"items_per_result_six", &Tuning::items_per_result_six},
    {"items_per_result_six_of_few", &Tuning::items_per_result_six_of_few},
    {"fewest_items", &Tuning::fewest_items},
    {"items_per_result_of_few", &Tuning::items_per_result_of_few},
    {"items_per_result", &Tuning::items_per_result},
    {"items_per_row_coarse", &Tuning::items_per_row_coarse},
    {"items_per_row", &Tuning::items_per_row},
    {"items_per_row_large", &Tuning::items_per_row_large},
    {"code_block", &Tuning::code_block},
    {"tasks_of_few", &Tuning::tasks_of_few},
    {"tasks", &Tuning::tasks},
    {"large_batch", &Tuning::large_batch},
    {"sample_step", &Tuning::sample_step},
    {"sparse_step", &Tuning::sparse_step},
    {"sparse_tiles", &Tuning::sparse_tiles},
    {"deferred_coarse", &Tuning::deferred_coarse},
    {"deferred", &Tuning::deferred},
    {"deferred_per_result", &Tuning::deferred_per_result},
    {"coarse_tiles_ahead", &Tuning::coarse_tiles_ahead},
    {"fine_tiles_ahead", &Tuning::fine_tiles_ahead},
    {"direct_queries", &Tuning::direct_queries},
}};
static_assert(sizeof(Tuning) == tuning_fields.size() * sizeof(std::size_t),
              "the table names every field of Tuning");

/// The record of the kernels' family, or the one that was forced.
const Tuning& tuning_of(const kernels::KernelTable& table) noexcept;

/// For `make tune` and tests: every search takes this record from now on; null: that of its family
/// again. Results are the same with any record. Requires that no search runs meanwhile, that the
/// record lives as long, and that every field by which something is divided (code_block, tasks,
/// sample steps, items per row and per result) is at least 1.
void force_tuning(const Tuning* tuning) noexcept;

}  // namespace maxdot::search
