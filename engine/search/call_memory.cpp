#include "search/call_memory.hpp"

#include <algorithm>
#include <utility>

#include "base/thread_slot.hpp"
#include "maxdot/error.hpp"

namespace maxdot::search {
namespace {

std::atomic<std::size_t> most_kept_bytes = std::size_t{64} << 20;

const base::ThreadSlot<CallMemory> kept_by_thread;

template <typename T>
std::size_t bytes_of(const std::vector<T>& vector) noexcept {
  return vector.capacity() * sizeof(T);
}

}  // namespace

void CallMemory::Sorted::clear() noexcept {
  scanned.clear();
  listed.clear();
  repeated.clear();
  repeated_from.clear();
  by_f32.clear();
  states.clear();
}

std::size_t CallMemory::Sorted::bytes() const noexcept {
  return bytes_of(scanned) + bytes_of(listed) + bytes_of(repeated) + bytes_of(repeated_from) +
         bytes_of(by_f32) + bytes_of(states);
}

void CallMemory::reserve(const Capacity& capacity, const store::ItemStore& items,
                         const kernels::KernelTable& table, int threads, bool filtered) {
  const std::size_t dimension = items.dimension;
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
    if (items.row_file != nullptr) worker.rows.reserve(items.row_bytes());
    worker.counts = {};
  }
}

std::size_t CallMemory::bytes() const noexcept {
  std::size_t of_workers = 0;
  for (const Worker& worker : workers)
    of_workers +=
        worker.codes.bytes() + worker.f32.panel.size() * sizeof(float) + worker.rows.bytes();
  return sorted.bytes() + queries.bytes() + codes.bytes() + filters.bytes() + top_k.bytes() +
         of_workers + bytes_of(notes) + bytes_of(by_codes);
}

CallMemoryLoan::CallMemoryLoan(KeptMemory* lender) : lender_(lender) {
  if (lender_ != nullptr && lender_->lent.exchange(true, std::memory_order_acquire)) {
    throw Error(ErrorCode::invalid_argument,
                "workspace: another call uses it; give each thread one of its own");
  }
  try {
    memory_ = lender_ != nullptr ? std::move(lender_->memory) : kept_by_thread.take();
    if (memory_ == nullptr) memory_ = std::make_unique<CallMemory>();
  } catch (...) {
    if (lender_ != nullptr) lender_->lent.store(false, std::memory_order_release);
    throw;
  }
}

CallMemoryLoan::~CallMemoryLoan() {
  if (lender_ != nullptr) lender_->lent.store(false, std::memory_order_release);
}

void CallMemoryLoan::keep() noexcept {
  if (lender_ != nullptr) {
    lender_->memory = std::move(memory_);
  } else if (memory_->bytes() <= most_kept_bytes.load(std::memory_order_relaxed)) {
    static_cast<void>(kept_by_thread.keep(std::move(memory_)));
  }
}

void limit_thread_memory(std::size_t bytes) noexcept {
  most_kept_bytes.store(bytes, std::memory_order_relaxed);
}

void release_thread_memory() noexcept { kept_by_thread.take().reset(); }

std::size_t thread_memory_bytes() noexcept {
  const CallMemory* kept = kept_by_thread.get();
  return kept == nullptr ? 0 : kept->bytes();
}

}  // namespace maxdot::search
