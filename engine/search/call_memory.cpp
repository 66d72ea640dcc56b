#include "search/call_memory.hpp"

#include <algorithm>
#include <utility>

namespace maxdot::search {
namespace {

// More than this is given back after a call.
constexpr std::size_t kMostKeptBytes = std::size_t{64} << 20;

thread_local std::unique_ptr<CallMemory> kept_memory;

}  // namespace

void CallMemory::reserve(const Capacity& capacity, std::size_t dimension,
                         const kernels::KernelTable& table, int threads, bool filtered) {
  queries.reserve(capacity.queries, dimension);
  codes.reserve(capacity.queries, dimension, table.codes);
  if (filtered) filters.reserve(capacity.queries);
  shared.reserve(capacity.queries);
  by_codes.resize(std::max(by_codes.size(), capacity.queries));
  notes.resize(std::max(notes.size(), capacity.lists));
  workers.resize(std::max(workers.size(), static_cast<std::size_t>(threads)));
  for (Worker& worker : workers) {
    worker.f32.reserve(dimension);
    worker.codes.reserve(dimension, capacity);
    worker.counts = {};
  }
}

std::size_t CallMemory::bytes() const noexcept {
  std::size_t of_workers = 0;
  for (const Worker& worker : workers)
    of_workers += worker.codes.bytes() + worker.f32.panel.size() * sizeof(float);
  return queries.bytes() + codes.bytes() + filters.bytes() + top_k.bytes() + of_workers +
         notes.capacity() * sizeof(QueryNote);
}

std::unique_ptr<CallMemory> take_call_memory() {
  return kept_memory ? std::move(kept_memory) : std::make_unique<CallMemory>();
}

void keep_call_memory(std::unique_ptr<CallMemory> memory) noexcept {
  if (memory->bytes() <= kMostKeptBytes) kept_memory = std::move(memory);
}

}  // namespace maxdot::search
