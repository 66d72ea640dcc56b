// CallMemory: what a call needs beside its results. Each calling thread keeps it: on the steady
// path of a server nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bounds/prepared_queries.hpp"
#include "bounds/query_codes.hpp"
#include "search/collect/top_k_collector.hpp"
#include "search/filter/filter_batch.hpp"
#include "search/plan/plan.hpp"
#include "search/query_state.hpp"
#include "search/scan/code_scratch.hpp"
#include "search/scan/f32_scan.hpp"
#include "search/scan/scan_counts.hpp"
#include "search/scan/shared_bounds.hpp"

namespace maxdot::search {

struct CallMemory {
  /// Of one thread.
  struct Worker {
    F32Scratch f32;
    CodeScratch codes;
    ScanCounts counts;
  };

  bounds::PreparedQueries queries;
  bounds::QueryCodes codes;
  FilterBatch filters;
  SharedBounds shared;
  std::vector<std::uint8_t> by_codes;  ///< of each query of a round
  std::vector<QueryNote> notes;        ///< of each list of a round
  std::vector<Worker> workers;
  TopKMemory top_k;

  /// Throws Error (out_of_memory) or std::bad_alloc.
  void reserve(const Capacity& capacity, std::size_t dimension, const kernels::KernelTable& table,
               int threads, bool filtered);
  /// About how much memory it holds.
  std::size_t bytes() const noexcept;
};

/// The calling thread's memory, or new memory. Throws std::bad_alloc.
std::unique_ptr<CallMemory> take_call_memory();
/// Keeps the memory for the thread's next call, unless it is too much to keep.
void keep_call_memory(std::unique_ptr<CallMemory> memory) noexcept;

}  // namespace maxdot::search
