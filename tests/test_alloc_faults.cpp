// What is promised when memory runs out: an Error, whichever allocation fails.
#include <doctest/doctest.h>

#include <new>

#include "alloc_faults.hpp"
#include "maxdot/error.hpp"

using maxdot::Error;
using maxdot::ErrorCode;
namespace test = maxdot::test;

TEST_CASE("the tests' own allocation faults: exactly one allocation fails, and only while the fault lives") {
  {
    const test::AllocationFault fault(1);
    void* first = ::operator new(8);
    CHECK_FALSE(fault.fired());
    CHECK_THROWS_AS(static_cast<void>(::operator new(8)), std::bad_alloc);
    CHECK(fault.fired());
    CHECK_FALSE(fault.was_nothrow());
    void* third = ::operator new[](8, std::align_val_t{64});
    ::operator delete(first);
    ::operator delete[](third, std::align_val_t{64});
  }
  {
    const test::AllocationFault fault(0);
    CHECK(::operator new(8, std::nothrow) == nullptr);
    CHECK(fault.was_nothrow());
  }
  const auto three = [] {
    for (int i = 0; i < 3; ++i) {
      try {
        ::operator delete(::operator new(8));
      } catch (const std::bad_alloc&) {
        throw Error(ErrorCode::out_of_memory, "memory");
      }
    }
  };
  CHECK(test::for_each_allocation_fault(three) == 3);
}
