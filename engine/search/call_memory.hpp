// CallMemory: what a call needs beside its results. It is kept for the next call, in a Workspace or
// by the calling thread: on the steady path of a server nothing is allocated.
#pragma once

#include <atomic>
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
#include "search/scan/row_scratch.hpp"
#include "search/scan/scan_counts.hpp"
#include "search/scan/shared_bounds.hpp"

namespace maxdot::search {

struct CallMemory {
  /// Of one thread.
  struct Worker {
    F32Scratch f32;
    CodeScratch codes;
    RowScratch rows;
    ScanCounts counts;
  };

  /// Queries of a call (rows), sorted by what must happen to them.
  struct Sorted {
    std::vector<std::size_t> scanned;
    std::vector<std::size_t> listed;    ///< a filter leaves them few items
    std::vector<std::size_t> repeated;  ///< of the scanned: their guess was too high
    std::vector<QueryState> repeated_from;
    std::vector<std::size_t> by_f32;  ///< of the scanned: codes do not suit them
    std::vector<QueryState> states;   ///< of a round

    void clear() noexcept;
    std::size_t bytes() const noexcept;
  };

  Sorted sorted;
  bounds::PreparedQueries queries;
  bounds::QueryCodes codes;
  FilterBatch filters;
  SharedBounds shared;
  std::vector<std::uint8_t> by_codes;  ///< of each query of a round
  std::vector<QueryNote> notes;        ///< of each list of a round
  std::vector<Worker> workers;
  TopKMemory top_k;

  /// Throws Error (out_of_memory) or std::bad_alloc.
  void reserve(const Capacity& capacity, const store::ItemStore& items,
               const kernels::KernelTable& table, int threads, bool filtered);
  /// About how much memory it holds.
  std::size_t bytes() const noexcept;
};

/// Memory between calls, and who has it.
struct KeptMemory {
  std::unique_ptr<CallMemory> memory;
  std::atomic<bool> lent = false;
};

/// The memory of one call, from `lender` or, without one, from the calling thread.
class CallMemoryLoan {
 public:
  /// Throws std::bad_alloc, and Error (invalid_argument) if another call has the lender's memory.
  explicit CallMemoryLoan(KeptMemory* lender);
  CallMemoryLoan(const CallMemoryLoan&) = delete;
  CallMemoryLoan& operator=(const CallMemoryLoan&) = delete;
  /// Gives the memory back to the system if nobody keeps it.
  ~CallMemoryLoan();

  CallMemory& memory() noexcept { return *memory_; }
  /// Gives the memory back to the lender, or to the thread unless it is too much to keep.
  void keep() noexcept;

 private:
  KeptMemory* lender_;
  std::unique_ptr<CallMemory> memory_;
};

/// A thread keeps no more than so many bytes after a call; 64 MiB if never called.
void limit_thread_memory(std::size_t bytes) noexcept;
/// Gives back what the calling thread keeps.
void release_thread_memory() noexcept;
/// What the calling thread keeps.
std::size_t thread_memory_bytes() noexcept;

}  // namespace maxdot::search
