// Versions, and kernels that are chosen by call.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/machine.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

/// Whatever a test chooses, the next one begins as this one did.
class KeptKernels {
 public:
  KeptKernels() = default;
  KeptKernels(const KeptKernels&) = delete;
  KeptKernels& operator=(const KeptKernels&) = delete;
  ~KeptKernels() { use_kernels(name_); }

 private:
  std::string name_ = kernel_name();
};

ErrorCode refusal_of(const std::string& name) {
  try {
    use_kernels(name);
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("\"" + name + "\"") != std::string::npos);
    return error.code();
  }
  return {};
}

}  // namespace

TEST_CASE("the library and its headers are of one version") {
  CHECK(std::string(version()) == std::to_string(MAXDOT_VERSION_MAJOR) + "." +
                                      std::to_string(MAXDOT_VERSION_MINOR) + "." +
                                      std::to_string(MAXDOT_VERSION_PATCH));
}

TEST_CASE("kernels: each that is listed can be chosen, and answers alike") {
  const KeptKernels kept;
  const std::vector<const char*> names = kernel_names();
  REQUIRE(!names.empty());
  CHECK(std::string(names.back()) == "reference");
  const test::Rows items = test::gaussian_rows(3000, 33, 1);
  const test::Rows queries = test::gaussian_rows(20, 33, 2);
  const Index index = Index::build(items.view());
  const SearchResult expected = index.search(queries.view(), 12);
  for (const std::string name : names) {
    CAPTURE(name);
    use_kernels(name);
    CHECK(kernel_name() == name);
    CHECK(test::difference(index.search(queries.view(), 12), expected) == "");
    CHECK(test::difference(Index::build(items.view()).search(queries.view(), 12), expected) == "");
  }
}

TEST_CASE("kernels: a name that cannot be used changes nothing") {
  const KeptKernels kept;
  use_kernels("reference");
  CHECK(refusal_of("") == ErrorCode::invalid_argument);
  CHECK(refusal_of("avx") == ErrorCode::invalid_argument);
  CHECK(std::string(kernel_name()) == "reference");
}

TEST_CASE("kernels: they may be changed while others search") {
  const KeptKernels kept;
  const std::vector<const char*> names = kernel_names();
  const test::Rows items = test::gaussian_rows(2000, 20, 3);
  const test::Rows queries = test::gaussian_rows(9, 20, 4);
  const Index index = Index::build(items.view());
  const SearchResult expected = index.search(queries.view(), 7);
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> searching;
  for (int t = 0; t < 3; ++t) {
    searching.emplace_back([&] {
      do {
        if (!test::difference(index.search(queries.view(), 7, {.threads = 2}), expected).empty())
          ++wrong;
      } while (!done);
    });
  }
  for (std::size_t i = 0; i < 200; ++i) use_kernels(names[i % names.size()]);
  done = true;
  for (std::thread& thread : searching) thread.join();
  CHECK(wrong == 0);
}
