// The memory that searches keep and that results take.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "alloc_faults.hpp"
#include "forked.hpp"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

struct Room {
  std::vector<std::int64_t> ids = std::vector<std::int64_t>(10 * 64);
  std::vector<double> scores = std::vector<double>(10 * 64);
  ResultView view() { return {ids.data(), scores.data(), nullptr}; }
};

template <typename Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + ": " + error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a search allocates nothing once its memory is there" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const test::Rows items = test::gaussian_rows(3000, 20, 1);
  const test::Rows queries = test::gaussian_rows(64, 20, 2);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  Room room;
  Workspace workspace;
  const std::vector<std::uint8_t> mask(3000, 1);
  for (Workspace* used : {&workspace, static_cast<Workspace*>(nullptr)}) {
    for (const int threads : {1, 3}) {
      for (const std::size_t count : {std::size_t{64}, std::size_t{1}, std::size_t{7}}) {
        for (const bool filtered : {false, true}) {
          SearchOptions options = {.threads = threads};
          options.workspace = used;
          if (filtered) options.filters.item_mask = mask;
          const auto search = [&] {
            index.search_into(queries.view().slice(0, count), 10, room.view(), options);
          };
          search();
          const test::AllocationFault first(0);
          search();
          INFO(threads, " threads, ", count, " queries, filtered ", filtered);
          CHECK_FALSE(first.fired());
        }
      }
    }
  }
  CHECK(workspace.bytes() > 0);
  workspace.release();
  CHECK(workspace.bytes() == 0);
}

TEST_CASE("a workspace serves one call at a time, whatever index it is") {
  const test::Rows items = test::gaussian_rows(20000, 64, 1);
  const test::Rows queries = test::gaussian_rows(20000, 64, 2);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const Index other = Index::build(items.view().slice(0, 50), {.metric = Metric::cosine});
  Workspace workspace;
  struct Nested {
    const Index& index;
    MatrixView query;
    Workspace& workspace;
    std::string said = "";
    static bool poll(void* context) {
      auto& own = *static_cast<Nested*>(context);
      SearchOptions options = {.threads = 1};
      options.workspace = &own.workspace;
      own.said = refusal([&] { (void)own.index.search(own.query, 3, options); });
      return !own.said.empty();  // it is free until the outer search has begun
    }
  } nested = {other, queries.view().slice(0, 1), workspace};
  SearchOptions options = {.threads = 1};
  options.workspace = &workspace;
  options.stop = {.poll = Nested::poll, .poll_context = &nested};
  CHECK(refusal([&] { (void)index.search(queries.view(), 10, options); }).rfind("cancelled", 0) ==
        0);
  CHECK(nested.said.find("workspace") != std::string::npos);
  // After the calls that failed, and in turn for both indexes.
  options.stop = {};
  const MatrixView few = queries.view().slice(0, 20);
  for (int round = 0; round < 2; ++round) {
    CHECK(test::difference(index.search(few, 10, options), index.search(few, 10)) == "");
    CHECK(test::difference(other.search(few, 70, options), other.search(few, 70)) == "");
    CHECK(test::difference(index.search_multi(few, 4, 5, options), index.search_multi(few, 4, 5)) ==
          "");
  }
}

TEST_CASE("what a thread keeps can be limited and given back") {
  const test::Rows items = test::gaussian_rows(3000, 20, 1);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  std::thread([&] {
    CHECK(thread_memory_bytes() == 0);
    (void)index.search(items.view().slice(0, 100), 10);
    CHECK(thread_memory_bytes() > 0);
    release_thread_memory();
    CHECK(thread_memory_bytes() == 0);
    limit_thread_memory(0);
    (void)index.search(items.view().slice(0, 100), 10);
    CHECK(thread_memory_bytes() == 0);
    limit_thread_memory(std::size_t{64} << 20);
    (void)index.search(items.view().slice(0, 100), 10);
    CHECK(thread_memory_bytes() > 0);
  }).join();
}

TEST_CASE("results that do not fit are refused before their memory is taken") {
  const test::Rows items = test::gaussian_rows(2000, 8, 1);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const MatrixView queries = items.view().slice(0, 50);
  const auto huge = std::size_t{1} << 44;
  CHECK(refusal([&] { (void)index.search(queries, huge); }).find("k = ") != std::string::npos);
  CHECK(refusal([&] { (void)index.search_multi(queries, 5, huge); }).rfind("out_of_memory", 0) ==
        0);
  CHECK(refusal([&] { check_result_memory(huge, huge); }).rfind("out_of_memory", 0) == 0);
  CHECK(refusal([&] {
          check_result_memory(std::numeric_limits<std::size_t>::max(),
                              std::numeric_limits<std::size_t>::max());
        }).rfind("out_of_memory", 0) == 0);
  CHECK(refusal([] { check_result_memory(1000, 1000); }) == "");
  SearchOptions options;
  options.most_result_bytes = 50 * (10 * 16 + 8);
  CHECK(refusal([&] { (void)index.search(queries, 10, options); }) == "");
  CHECK(refusal([&] { (void)index.search(queries, 11, options); }).find("most_result_bytes") !=
        std::string::npos);
}

TEST_CASE("results that the process may not take are refused by name, whatever is free" *
          doctest::skip(!test::kMemoryCanBeLimited)) {
  const test::Rows items = test::gaussian_rows(2000, 8, 1);
  const Index index = Index::build(items.view());
  CHECK(test::in_child([&] {
    // 200 MB more than the process has.
    std::ifstream status("/proc/self/status");
    rlim_t taken = 0;
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmSize:", 0) == 0) taken = std::stoull(line.substr(7)) * 1024;
    }
    const rlim_t most = taken + 200'000'000;
    const rlimit little = {most, most};
    return taken != 0 && setrlimit(RLIMIT_AS, &little) == 0 &&
           refusal([&] {
             (void)index.search(items.view(), 7'000);  // 224 MB
           }).find("2000 queries with k = 7000 do not fit in memory: they take 224 MB, and") !=
               std::string::npos;
  }));
}

TEST_CASE("a range that does not fit is refused while it grows, on any number of threads") {
  const test::Rows items = test::gaussian_rows(5000, 8, 1);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const MatrixView queries = items.view().slice(0, 300);
  const double everything[] = {-std::numeric_limits<double>::infinity()};
  const double some[] = {5.0};
  const RangeResult expected = index.search_range(queries, some);
  CHECK(index.search_range(queries, everything).ids.size() == 300 * 5000);
  for (const int threads : {1, 4}) {
    SearchOptions options = {.threads = threads};
    options.most_result_bytes = std::size_t{8} << 20;  // a third of all
    CHECK(refusal([&] {
            (void)index.search_range(queries, everything, options);
          }).find("most_result_bytes") != std::string::npos);
    const RangeResult got = index.search_range(queries, some, options);
    CHECK(got.ids == expected.ids);
    CHECK(got.scores == expected.scores);
  }
}

TEST_CASE("a range that does not fit ends the search, in a small part of its time") {
  const test::Rows items = test::gaussian_rows(200'000, 8, 1);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const MatrixView queries = items.view().slice(0, 2000);
  const double everything[] = {-std::numeric_limits<double>::infinity()};
  for (const int threads : {1, 3}) {
    SearchOptions options = {.threads = threads};
    options.most_result_bytes = 100'000;
    // 400 million results: some minutes, if it went on to the end.
    CHECK(refusal([&] {
            (void)index.search_range(queries, everything, options);
          }).find("most_result_bytes") != std::string::npos);
  }
}

TEST_CASE("results into memory that no address space holds are refused") {
  const test::Rows items = test::gaussian_rows(20, 4, 1);
  const Index index = Index::build(items.view());
  std::int64_t id = 0;
  double score = 0.0;
  for (const std::size_t k : {~std::size_t{0}, ~std::size_t{0} / 3, std::size_t{1} << 60}) {
    CHECK(refusal([&] {
            index.search_into(items.view().slice(0, 3), k, {&id, &score});
          }).find("address space") != std::string::npos);
    CHECK(refusal([&] {
            index.search_multi_into(items.view().slice(0, 6), 2, k, {&id, &score});
          }).find("address space") != std::string::npos);
  }
}

TEST_CASE("every allocation of a build and of every search may fail" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const test::Rows items = test::gaussian_rows(700, 5, 1);
  const test::Rows queries = test::gaussian_rows(12, 5, 2);
  std::vector<std::int64_t> ids(700);
  for (std::size_t i = 0; i < 700; ++i) ids[i] = static_cast<std::int64_t>(3 * i);
  const Index index = Index::build(items.view(), {.metric = Metric::dot, .ids = ids});
  const std::int64_t offsets[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const double threshold[] = {1.0};
  for (const int threads : {1, 3}) {
    SearchOptions options = {.threads = threads};
    SearchOptions filtered = options;
    filtered.filters.exclude = {offsets, {ids.data(), 12}};
    CHECK(test::for_each_allocation_fault(
              [&] { (void)Index::build(items.view(), {.ids = ids, .threads = threads}); }) > 5);
    // Memory that the thread kept would leave nothing to fail.
    CHECK(test::for_each_allocation_fault([&] {
            release_thread_memory();
            (void)index.search(queries.view(), 5, options);
          }) > 10);
    CHECK(test::for_each_allocation_fault([&] {
            release_thread_memory();
            (void)index.search(queries.view(), 5, filtered);
          }) > 10);
    CHECK(test::for_each_allocation_fault([&] {
            release_thread_memory();
            (void)index.search_multi(queries.view(), 3, 5, options);
          }) > 10);
    CHECK(test::for_each_allocation_fault([&] {
            release_thread_memory();
            (void)index.search_range(queries.view(), threshold, options);
          }) > 10);
  }
  CHECK(test::for_each_allocation_fault([] { const Workspace workspace; }) > 0);
}
