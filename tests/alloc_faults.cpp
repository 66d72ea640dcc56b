#include "alloc_faults.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace maxdot::test {
namespace {

constexpr std::int64_t kOff = -1;

// Allocations until one fails; kOff: none will.
std::atomic<std::int64_t> left{kOff};
std::atomic<bool> fault_fired{false};
std::atomic<bool> fault_was_nothrow{false};

bool must_fail(bool nothrow) noexcept {
  std::int64_t now = left.load();
  while (now != kOff && !left.compare_exchange_weak(now, now - 1)) {
  }
  if (now != 0) return false;  // from 0 it went to kOff: only this one fails
  fault_was_nothrow = nothrow;
  fault_fired = true;
  return true;
}

void* allocate(std::size_t bytes, std::size_t alignment, bool nothrow) noexcept {
  if (must_fail(nothrow)) return nullptr;
  bytes = std::max<std::size_t>(bytes, 1);
  if (alignment <= alignof(std::max_align_t)) return std::malloc(bytes);
  if (bytes > ~std::size_t{0} - alignment) return nullptr;
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

[[maybe_unused]] void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* p = allocate(bytes, alignment, false);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

[[maybe_unused]] constexpr std::size_t kPlain = alignof(std::max_align_t);

}  // namespace

AllocationFault::AllocationFault(std::uint64_t n) noexcept {
  fault_fired = false;
  fault_was_nothrow = false;
  left = static_cast<std::int64_t>(n);
}

AllocationFault::~AllocationFault() { left = kOff; }

bool AllocationFault::fired() const noexcept { return fault_fired; }

bool AllocationFault::was_nothrow() const noexcept { return fault_was_nothrow; }

}  // namespace maxdot::test

#if MAXDOT_ALLOCATIONS_CAN_FAIL
using maxdot::test::allocate;
using maxdot::test::allocate_or_throw;
using maxdot::test::kPlain;

void* operator new(std::size_t bytes) { return allocate_or_throw(bytes, kPlain); }
void* operator new[](std::size_t bytes) { return allocate_or_throw(bytes, kPlain); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes, kPlain, true);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes, kPlain, true);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, static_cast<std::size_t>(alignment), true);
}
void* operator new[](std::size_t bytes, std::align_val_t alignment,
                     const std::nothrow_t&) noexcept {
  return allocate(bytes, static_cast<std::size_t>(alignment), true);
}

void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
#endif  // MAXDOT_ALLOCATIONS_CAN_FAIL
