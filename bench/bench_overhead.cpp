// What a call costs beside its search: one query, one thread, on an index of one tile, where the
// search itself takes a fraction of a microsecond. Time and allocations of a call, from C++ and C.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "data.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/maxdot.hpp"

namespace {

std::atomic<std::uint64_t> allocations = 0;

}  // namespace

// The C library's, counted: operator new comes through here, too.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
}

namespace {

constexpr std::size_t kItems = 64;
constexpr std::size_t kDimension = 16;
constexpr std::size_t kK = 10;
constexpr int kCalls = 20'000;
constexpr int kRepetitions = 11;

template <typename Call>
void report(const char* what, const Call& call) {
  for (int i = 0; i < kCalls; ++i) call();
  std::vector<double> microseconds(kRepetitions);
  const std::uint64_t before = allocations;
  for (double& of_a_call : microseconds) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) call();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    of_a_call = took.count() / kCalls;
  }
  const auto counted = static_cast<double>(allocations - before);
  std::sort(microseconds.begin(), microseconds.end());
  std::printf("%-42s %6.2f us  %.2f allocations\n", what, microseconds[kRepetitions / 2],
              counted / (kRepetitions * kCalls));
}

}  // namespace

int main() {
  using namespace maxdot;
  const bench::Data data = bench::load(kItems, kDimension, 1);
  const MatrixView items = MatrixView::f32(data.items.data(), kItems, kDimension);
  const MatrixView query = MatrixView::f32(data.queries.data(), 1, kDimension);
  const Index index = Index::build(items, {.metric = Metric::dot});
  std::vector<std::int64_t> ids(kK);
  std::vector<double> scores(kK);
  const ResultView out = {ids.data(), scores.data(), nullptr};
  Workspace workspace;
  SearchOptions options = {.threads = 1};
  options.workspace = &workspace;

  std::printf("%zu x %zu items, one query, k = %zu, kernels %s; a whole call, median of %d\n",
              kItems, kDimension, kK, kernel_name(), kRepetitions);
  report("C++ search_into, a workspace", [&] { index.search_into(query, kK, out, options); });
  report("C++ search_into, one thread", [&] { index.search_into(query, kK, out, {.threads = 1}); });
  report("C++ search_into, default threads", [&] { index.search_into(query, kK, out); });
  report("C++ search (takes memory for the result)",
         [&] { (void)index.search(query, kK, {.threads = 1}); });

  Batcher batcher(index, {.threads = 1});
  report("C++ Batcher, a lone caller", [&] { batcher.search_into(query, kK, out); });

  maxdot_index* handle = nullptr;
  maxdot_workspace* of_c = nullptr;
  const maxdot_matrix rows = {data.items.data(), MAXDOT_F32, kItems, kDimension, 0};
  const maxdot_matrix asked = {data.queries.data(), MAXDOT_F32, 1, kDimension, 0};
  maxdot_build_options build;
  MAXDOT_INIT(build);
  build.metric = MAXDOT_DOT;
  if (maxdot_build(&rows, &build, &handle) != MAXDOT_OK ||
      maxdot_workspace_create(&of_c) != MAXDOT_OK) {
    std::fprintf(stderr, "%s\n", maxdot_error_text());
    return EXIT_FAILURE;
  }
  maxdot_search_options given;
  MAXDOT_INIT(given);
  given.workspace = of_c;
  report("C maxdot_search, a workspace", [&] {
    (void)maxdot_search(handle, &asked, kK, &given, ids.data(), scores.data(), nullptr);
  });
  report("C maxdot_search, no options", [&] {
    (void)maxdot_search(handle, &asked, kK, nullptr, ids.data(), scores.data(), nullptr);
  });
  maxdot_workspace_free(of_c);
  maxdot_close(handle);
  return EXIT_SUCCESS;
}
