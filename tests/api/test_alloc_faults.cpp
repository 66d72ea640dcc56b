// What is promised when memory runs out: an Error, whichever allocation fails.
#include <doctest/doctest.h>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "alloc_faults.hpp"
#include "files.hpp"
#include "maxdot/io.hpp"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

using maxdot::Error;
using maxdot::ErrorCode;
namespace test = maxdot::test;

TEST_CASE(
    "the tests' own allocation faults: exactly one allocation fails, and only while the fault "
    "lives" *
    doctest::skip(!test::kAllocationsCanFail)) {
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

TEST_CASE(
    "memory that runs out while an index is saved or opened is an Error, and the old file stays" *
    doctest::skip(!test::kAllocationsCanFail)) {
  const test::Folder folder;
  const test::Rows items = test::gaussian_rows(300, 5, 1);
  const std::vector<std::int64_t> ids = [] {
    std::vector<std::int64_t> list(300);
    for (std::size_t i = 0; i < 300; ++i) list[i] = static_cast<std::int64_t>(300 - i);
    return list;
  }();
  const maxdot::Index index = maxdot::Index::build(items.view(), {.ids = ids});
  // Long enough to need memory of its own.
  const std::string path = folder.put("an index with a long name.maxdot", "old");
  CHECK(test::for_each_allocation_fault([&] {
          try {
            index.save(path);
          } catch (...) {
            if (folder.entries() != 1 || folder.get("an index with a long name.maxdot") != "old") {
              throw std::runtime_error("the old file was changed");
            }
            throw;
          }
        }) > 5);
  CHECK(folder.entries() == 1);
  for (const bool verify : {false, true}) {
    CHECK(test::for_each_allocation_fault(
              [&] { maxdot::Index::open(path, {.verify_codes = verify}); }) > 3);
  }
}

TEST_CASE("memory that runs out while other files are read or written is an Error" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const test::Folder folder;
  const std::string numbers = folder.put("numbers of some length.txt", "1\n2\n3\n");
  const std::string pairs = folder.put("pairs of some length.csv", "user,item\n1,2\n3,4\n");
  const std::string ids = folder / "the ids of some length.npy";
  const std::string scores = folder / "the scores of some length.npy";
  const std::int64_t row[] = {3, 4};
  const double values[] = {3, 4};
  CHECK(test::for_each_allocation_fault([&] {
          maxdot::MatrixWriter first(ids, maxdot::MatrixWriter::Format::npy_i64, 1, 2);
          maxdot::MatrixWriter second(scores, maxdot::MatrixWriter::Format::npy_f32, 1, 2);
          first.append(row, 1);
          second.append(values, 1);
          maxdot::MatrixWriter::commit_both(first, second);
        }) > 5);
  CHECK(folder.entries() == 4);
  CHECK(test::for_each_allocation_fault([&] { maxdot::MatrixFile::open(scores); }) > 1);
  CHECK(test::for_each_allocation_fault([&] { maxdot::read_ids(numbers); }) > 1);
  CHECK(test::for_each_allocation_fault([&] { maxdot::read_id_pairs(pairs); }) > 1);
}

TEST_CASE("what must not throw gets by without memory" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const test::Rows items = test::gaussian_rows(20, 4, 1);
  const std::vector<std::int64_t> ids = {5, 3, 8, 1};
  const maxdot::Index index = maxdot::Index::build(items.view());
  const maxdot::Index with_ids =
      maxdot::Index::build(items.view().slice(0, 4), {.normalize = true, .ids = ids});
  const maxdot::IndexInfo expected = index.info();
  maxdot::Workspace workspace;
  maxdot::Batcher batcher(index);
  float row[4];
  for (int n = 0; n < 6; ++n) {
    const test::AllocationFault fault(static_cast<std::uint64_t>(n));
    const maxdot::IndexInfo info = index.info();
    const bool same = info.bytes == expected.bytes && info.items == 20;
    const bool more = with_ids.info().bytes < expected.bytes && with_ids.item_id(2) == 8;
    with_ids.item_row(3, row);
    workspace.release();
    const std::size_t kept = workspace.bytes() + index.size() + index.dimension();
    maxdot::release_thread_memory();
    const bool alone = batcher.stats().requests == 0 && maxdot::available_threads() > 0;
    CHECK((same && more && alone && kept == 24));
  }
}
