// Allocations that fail on purpose: operator new of this binary counts, and one call of it fails.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "maxdot/error.hpp"
#include "sanitizers.hpp"

// ThreadSanitizer has an operator new of its own, which the linker takes for a second one.
#define MAXDOT_ALLOCATIONS_CAN_FAIL (MAXDOT_TSAN == 0)

namespace maxdot::test {

/// Where it is false, tests of failing allocations are skipped.
inline constexpr bool kAllocationsCanFail = MAXDOT_ALLOCATIONS_CAN_FAIL != 0;

/// While it lives, allocation `n` (the first is 0) by operator new fails, on whatever thread it
/// comes: std::bad_alloc, or null from a nothrow one. All others succeed. One at a time. Memory of
/// std::aligned_alloc is not counted.
class AllocationFault {
 public:
  explicit AllocationFault(std::uint64_t n) noexcept;
  AllocationFault(const AllocationFault&) = delete;
  AllocationFault& operator=(const AllocationFault&) = delete;
  ~AllocationFault();

  /// Whether that allocation was asked for.
  bool fired() const noexcept;
  /// Whether it was a nothrow one, whose caller may know another way.
  bool was_nothrow() const noexcept;
};

/// Runs `call` with allocation 0, 1, 2, ... failing until a run asks for fewer. Requires each
/// failure to come out as Error (out_of_memory) with a message. A call may succeed only if the
/// allocation that failed was a nothrow one, or of the look at the process's limits, which comes
/// once a second (engine/base/parallel.cpp) and whose failure changes no answer: then the same
/// allocation is tried again. Returns how many allocations failed.
template <typename Call>
std::uint64_t for_each_allocation_fault(Call call) {
  bool again = false;
  for (std::uint64_t n = 0;;) {
    bool fired = false;
    bool nothrow = false;
    std::string outcome = "returned";
    {
      const AllocationFault fault(n);
      try {
        call();
      } catch (const Error& error) {
        const bool right = error.code() == ErrorCode::out_of_memory && *error.what() != '\0';
        outcome = right ? "" : "another Error: " + std::string(error.what());
      } catch (const std::exception& error) {
        outcome = "no Error: " + std::string(error.what());
      }
      fired = fault.fired();
      nothrow = fault.was_nothrow();
    }
    if (!fired) {
      INFO("no allocation failed, but the call: " << outcome);
      REQUIRE(outcome == "returned");
      return n;
    }
    INFO("allocation " << n << " failed, and the call: " << outcome);
    again = !again && !nothrow && outcome == "returned";
    if (again) continue;
    REQUIRE((outcome.empty() || (nothrow && outcome == "returned")));
    ++n;
  }
}

}  // namespace maxdot::test
