// The C API: the same answers as the C++ API's, and a status for whatever a caller does wrong.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "alloc_faults.hpp"
#include "c/c_calls.hpp"
#include "files.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

namespace test = maxdot::test;

using test::matrix_of;
using test::says;

namespace {

/// Three results for each of five queries, and the same by the C++ API.
struct Case {
  test::Rows items = test::gaussian_rows(500, 12, 1);
  test::Rows queries = test::gaussian_rows(6, 12, 2);
  maxdot_matrix rows = matrix_of(items);
  maxdot_matrix asked = matrix_of(queries);
  maxdot::Index index = maxdot::Index::build(items.view(), {.metric = maxdot::Metric::euclidean});
  maxdot_index* handle = nullptr;
  std::vector<std::int64_t> ids = std::vector<std::int64_t>(18, -7);
  std::vector<double> scores = std::vector<double>(18, -7.0);
  std::vector<std::int64_t> counts = std::vector<std::int64_t>(6, -7);

  Case() {
    maxdot_build_options options;
    MAXDOT_INIT(options);
    options.metric = MAXDOT_EUCLIDEAN;
    REQUIRE(maxdot_build(&rows, &options, &handle) == MAXDOT_OK);
  }
  ~Case() { maxdot_close(handle); }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  maxdot_status search(const maxdot_search_options* options) {
    return maxdot_search(handle, &asked, 3, options, ids.data(), scores.data(), counts.data());
  }
  bool found(const maxdot::SearchResult& expected) const {
    const std::size_t cells = expected.ids.size();
    return std::equal(expected.ids.begin(), expected.ids.end(), ids.begin()) &&
           std::memcmp(expected.scores.data(), scores.data(), cells * sizeof(double)) == 0 &&
           std::equal(expected.counts.begin(), expected.counts.end(), counts.begin());
  }
};

}  // namespace

TEST_CASE("C: searches answer as the C++ API does") {
  Case c;
  CHECK(c.search(nullptr) == MAXDOT_OK);
  CHECK(c.found(c.index.search(c.queries.view(), 3)));

  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.metric = MAXDOT_DOT;
  options.threads = MAXDOT_ALL_THREADS;
  const std::int64_t offsets[] = {0, 2, 2, 3, 3, 3, 4};
  const std::int64_t lists[] = {1, 2, 3, 400};
  options.exclude = {offsets, lists};
  std::vector<std::uint8_t> mask(500, 1);
  mask[7] = 0;
  options.item_mask = mask.data();
  CHECK(c.search(&options) == MAXDOT_OK);
  maxdot::SearchOptions same = {.metric = maxdot::Metric::dot};
  same.filters.exclude = {offsets, lists};
  same.filters.item_mask = mask;
  CHECK(c.found(c.index.search(c.queries.view(), 3, same)));

  CHECK(maxdot_search_multi(c.handle, &c.asked, 2, 3, nullptr, c.ids.data(), c.scores.data(),
                            c.counts.data()) == MAXDOT_OK);
  CHECK(c.found(c.index.search_multi(c.queries.view(), 2, 3)));

  const double threshold = 4.0;
  maxdot_range* range = nullptr;
  REQUIRE(maxdot_search_range(c.handle, &c.asked, &threshold, 1, nullptr, &range) == MAXDOT_OK);
  const maxdot::RangeResult expected = c.index.search_range(c.queries.view(), {&threshold, 1});
  CHECK(maxdot_range_queries(range) == 6);
  REQUIRE(maxdot_range_size(range) == static_cast<std::int64_t>(expected.ids.size()));
  CHECK(std::equal(expected.offsets.begin(), expected.offsets.end(), maxdot_range_offsets(range)));
  CHECK(std::equal(expected.ids.begin(), expected.ids.end(), maxdot_range_ids(range)));
  CHECK(std::equal(expected.scores.begin(), expected.scores.end(), maxdot_range_scores(range)));
  maxdot_range_free(range);
}

TEST_CASE("C: shards merge to what one index returns") {
  Case c;
  maxdot_matrix halves[2] = {c.rows, c.rows};
  halves[0].rows = 200;
  halves[1].rows = 300;
  halves[1].data = c.items.values.data() + 200 * c.items.cols;
  std::vector<std::int64_t> own_ids;
  for (std::int64_t i = 200; i < 500; ++i) own_ids.push_back(i);
  std::vector<std::int64_t> ids[2] = {c.ids, c.ids};
  std::vector<double> keys[2] = {c.scores, c.scores};
  std::vector<std::int64_t> counts[2] = {c.counts, c.counts};
  maxdot_shard shards[2];
  for (int s = 0; s < 2; ++s) {
    maxdot_build_options build;
    MAXDOT_INIT(build);
    build.metric = MAXDOT_EUCLIDEAN;
    build.ids = s == 1 ? own_ids.data() : nullptr;
    maxdot_index* shard = nullptr;
    REQUIRE(maxdot_build(&halves[s], &build, &shard) == MAXDOT_OK);
    maxdot_search_options options;
    MAXDOT_INIT(options);
    options.score_kind = MAXDOT_KEYS;
    REQUIRE(maxdot_search(shard, &c.asked, 3, &options, ids[s].data(), keys[s].data(),
                          counts[s].data()) == MAXDOT_OK);
    maxdot_close(shard);
    shards[s] = {ids[s].data(), keys[s].data(), counts[s].data(), 3};
  }
  maxdot_merge_options merge;
  MAXDOT_INIT(merge);
  merge.metric = MAXDOT_EUCLIDEAN;
  CHECK(maxdot_merge(shards, 2, 6, 3, &merge, c.ids.data(), c.scores.data(), c.counts.data()) ==
        MAXDOT_OK);
  CHECK(c.found(c.index.search(c.queries.view(), 3)));
  CHECK(maxdot_merge(shards, 0, 6, 3, &merge, c.ids.data(), c.scores.data(), nullptr) ==
        MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_merge(shards, 2, 6, 3, nullptr, c.ids.data(), c.scores.data(), nullptr) ==
        MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_merge(shards, 2, std::int64_t{1} << 60, 3, &merge, c.ids.data(), c.scores.data(),
                     nullptr) == MAXDOT_OUT_OF_MEMORY);
  CHECK(maxdot_merge(shards, 2, 6, std::int64_t{1} << 62, &merge, c.ids.data(), c.scores.data(),
                     nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_merge(shards, 2, 6, 4, &merge, c.ids.data(), c.scores.data(), nullptr) ==
        MAXDOT_INVALID_ARGUMENT);
}

TEST_CASE("C: an index is saved, opened, described") {
  Case c;
  const test::Folder folder;
  const std::string path = folder / "items.maxdot";
  REQUIRE(maxdot_save(c.handle, path.c_str()) == MAXDOT_OK);
  maxdot_open_options options;
  MAXDOT_INIT(options);
  options.verify_codes = 1;
  maxdot_index* opened = nullptr;
  REQUIRE(maxdot_open(path.c_str(), &options, &opened) == MAXDOT_OK);
  maxdot_index_info info;
  MAXDOT_INIT(info);
  REQUIRE(maxdot_info(opened, &info) == MAXDOT_OK);
  CHECK(info.items == 500);
  CHECK(info.dimension == 12);
  CHECK(info.metric == MAXDOT_EUCLIDEAN);
  CHECK(info.dtype == MAXDOT_F32);
  CHECK(info.checksum != 0);
  std::int64_t id = -1;
  CHECK(maxdot_item_id(opened, 499, &id) == MAXDOT_OK);
  CHECK(id == 499);
  std::vector<float> row(12);
  CHECK(maxdot_item_row(opened, 3, row.data()) == MAXDOT_OK);
  CHECK(std::memcmp(row.data(), c.items.values.data() + 36, sizeof(float) * 12) == 0);
  for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{500}}) {
    CHECK(maxdot_item_id(opened, bad, &id) == MAXDOT_INVALID_ARGUMENT);
    CHECK(maxdot_item_row(opened, bad, row.data()) == MAXDOT_INVALID_ARGUMENT);
  }
  maxdot_close(opened);
  options.rows = MAXDOT_ROWS_ON_DISK;
  REQUIRE(maxdot_open(path.c_str(), &options, &opened) == MAXDOT_OK);
  CHECK(maxdot_item_row(opened, 3, row.data()) == MAXDOT_OK);
  CHECK(std::memcmp(row.data(), c.items.values.data() + 36, sizeof(float) * 12) == 0);
  std::swap(opened, c.handle);
  CHECK(c.search(nullptr) == MAXDOT_OK);
  CHECK(c.found(c.index.search(c.queries.view(), 3)));
  std::swap(opened, c.handle);
  maxdot_close(opened);
  options.rows = 2;
  CHECK(maxdot_open(path.c_str(), &options, &opened) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("rows"));
  options.rows = MAXDOT_ROWS_IN_MEMORY;
  options.load = MAXDOT_LOAD_MEMORY;
  REQUIRE(maxdot_open(path.c_str(), &options, &opened) == MAXDOT_OK);
  std::swap(opened, c.handle);
  CHECK(c.search(nullptr) == MAXDOT_OK);
  std::swap(opened, c.handle);
  maxdot_close(opened);
  options.load = 3;
  CHECK(maxdot_open(path.c_str(), &options, &opened) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("load"));
  opened = reinterpret_cast<maxdot_index*>(&id);
  CHECK(maxdot_open((path + ".none").c_str(), nullptr, &opened) == MAXDOT_IO);
  CHECK(opened == nullptr);
  CHECK(says("items.maxdot.none"));
  CHECK(maxdot_open((folder / ("two\nlines" + std::string(2000, '\xC3') + "\xA4")).c_str(), nullptr,
                    &opened) == MAXDOT_IO);
  CHECK(says("two lines"));
  CHECK(std::strlen(maxdot_error_text()) <= 8191);
  folder.put("bad.maxdot", "no index");
  CHECK(maxdot_open((folder / "bad.maxdot").c_str(), nullptr, &opened) == MAXDOT_BAD_FORMAT);
}

TEST_CASE("C: callers of earlier and later versions") {
  Case c;
  struct Later {
    maxdot_search_options known;
    std::int64_t added;
  } later;
  std::memset(&later, 0, sizeof later);
  later.known.struct_size = sizeof later;
  later.known.metric = MAXDOT_DOT;
  CHECK(c.search(&later.known) == MAXDOT_OK);
  CHECK(c.found(c.index.search(c.queries.view(), 3, {.metric = maxdot::Metric::dot})));
  later.added = 1;
  CHECK(c.search(&later.known) == MAXDOT_UNSUPPORTED);
  CHECK(says("does not know"));

  // Shorter: what stands behind is not read.
  maxdot_search_options earlier;
  std::memset(&earlier, 0xFF, sizeof earlier);
  earlier.struct_size = offsetof(maxdot_search_options, score_kind);
  earlier.metric = MAXDOT_DOT;
  CHECK(c.search(&earlier) == MAXDOT_OK);
  CHECK(c.found(c.index.search(c.queries.view(), 3, {.metric = maxdot::Metric::dot})));
  for (const std::uint32_t size : {0U, 3U, 1U << 20}) {
    earlier.struct_size = size;
    CHECK(c.search(&earlier) == MAXDOT_INVALID_ARGUMENT);
    CHECK(says("MAXDOT_INIT"));
  }
  maxdot_index_info info;
  std::memset(&info, 0x55, sizeof info);
  info.struct_size = offsetof(maxdot_index_info, metric);
  CHECK(maxdot_info(c.handle, &info) == MAXDOT_OK);
  CHECK(info.dtype == MAXDOT_F32);
  CHECK(info.metric == 0x55555555);
}

TEST_CASE("C: what does not fit is a status") {
  Case c;
  maxdot_index* made = nullptr;
  maxdot_range* range = nullptr;
  const double threshold = 1.0;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::int64_t* ids = c.ids.data();
  double* scores = c.scores.data();
  const auto refuses = [](maxdot_status status, const char* part) {
    return status == MAXDOT_INVALID_ARGUMENT && says(part);
  };
  CHECK(refuses(maxdot_build(nullptr, nullptr, &made), "items"));
  CHECK(refuses(maxdot_build(&c.rows, nullptr, nullptr), "made"));
  CHECK(refuses(maxdot_open(nullptr, nullptr, &made), "path"));
  CHECK(refuses(maxdot_save(nullptr, "x"), "index"));
  CHECK(refuses(maxdot_save(c.handle, nullptr), "path"));
  CHECK(refuses(maxdot_info(c.handle, nullptr), "info"));
  CHECK(refuses(maxdot_search(nullptr, &c.asked, 3, nullptr, ids, scores, nullptr), "index"));
  CHECK(refuses(maxdot_search(c.handle, nullptr, 3, nullptr, ids, scores, nullptr), "queries"));
  CHECK(refuses(maxdot_search(c.handle, &c.asked, 3, nullptr, nullptr, scores, nullptr), "ids"));
  CHECK(refuses(maxdot_search(c.handle, &c.asked, -1, nullptr, ids, scores, nullptr), "k: -1"));
  CHECK(refuses(maxdot_search_multi(c.handle, &c.asked, 0, 3, nullptr, ids, scores, nullptr),
                "per_user"));
  CHECK(refuses(maxdot_search_multi(c.handle, &c.asked, 4, 3, nullptr, ids, scores, nullptr),
                "per_user"));
  CHECK(
      refuses(maxdot_search_range(c.handle, &c.asked, nullptr, 1, nullptr, &range), "thresholds"));
  CHECK(refuses(maxdot_search_range(c.handle, &c.asked, &threshold, 2, nullptr, nullptr), "found"));
  CHECK(maxdot_search_range(c.handle, &c.asked, &nan, 1, nullptr, &range) == MAXDOT_INVALID_DATA);
  CHECK(range == nullptr);

  const maxdot_matrix good = c.asked;
  const auto with = [&](auto change, const char* part) {
    maxdot_matrix bad = good;
    change(bad);
    return refuses(maxdot_search(c.handle, &bad, 3, nullptr, ids, scores, nullptr), part);
  };
  CHECK(with([](maxdot_matrix& m) { m.rows = -1; }, "negative"));
  CHECK(with([](maxdot_matrix& m) { m.cols = -12; }, "negative"));
  CHECK(with([](maxdot_matrix& m) { m.cols = std::numeric_limits<std::int64_t>::max(); },
             "dimension"));
  CHECK(with([](maxdot_matrix& m) { m.stride_bytes = -48; }, "negative"));
  CHECK(with([](maxdot_matrix& m) { m.stride_bytes = 4; }, "stride"));
  CHECK(with([](maxdot_matrix& m) { m.dtype = 0; }, "dtype"));
  CHECK(with([](maxdot_matrix& m) { m.data = nullptr; }, "null"));
  CHECK(
      with([](maxdot_matrix& m) { m.rows = std::numeric_limits<std::int64_t>::max(); }, "address"));

  const auto with_option = [&](auto change, const char* part) {
    maxdot_search_options bad;
    MAXDOT_INIT(bad);
    change(bad);
    return refuses(c.search(&bad), part);
  };
  using Options = maxdot_search_options;
  const std::int64_t negative[] = {0, 0, 0, 0, 0, 0, -5};
  const std::int64_t falls[] = {0, 2, 1, 2, 2, 2, 2};
  CHECK(with_option([](Options& o) { o.threads = -2; }, "threads"));
  CHECK(with_option([](Options& o) { o.threads = 100000; }, "threads"));
  CHECK(with_option([](Options& o) { o.metric = 9; }, "metric"));
  CHECK(with_option([](Options& o) { o.score_kind = 9; }, "score_kind"));
  CHECK(with_option([](Options& o) { o.timeout = -1.0; }, "timeout"));
  CHECK(with_option([&](Options& o) { o.timeout = nan; }, "timeout"));
  CHECK(with_option([&](Options& o) { o.exclude.ids = ids; }, "offsets"));
  CHECK(with_option([&](Options& o) { o.allow = {negative, ids}; }, "negative"));
  CHECK(with_option([&](Options& o) { o.allow = {falls, nullptr}; }, "null"));
  CHECK(with_option([&](Options& o) { o.allow = {falls, ids}; }, "offset"));

  std::vector<float> with_nan = c.queries.values;
  with_nan[2 * 12 + 5] = std::numeric_limits<float>::quiet_NaN();
  maxdot_matrix bad = good;
  bad.data = with_nan.data();
  CHECK(maxdot_search(c.handle, &bad, 3, nullptr, ids, scores, nullptr) == MAXDOT_INVALID_DATA);
  std::int64_t row = 0;
  std::int64_t column = 0;
  maxdot_error_place(&row, &column);
  CHECK(row == 2);
  CHECK(column == 5);
  maxdot_error_place(nullptr, nullptr);
  CHECK(maxdot_search(c.handle, &c.asked, 0, nullptr, nullptr, nullptr, nullptr) == MAXDOT_OK);
}

TEST_CASE("C: a workspace, and limits of memory") {
  Case c;
  maxdot_workspace* workspace = nullptr;
  REQUIRE(maxdot_workspace_create(&workspace) == MAXDOT_OK);
  CHECK(maxdot_workspace_bytes(workspace) == 0);
  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.workspace = workspace;
  CHECK(c.search(&options) == MAXDOT_OK);
  CHECK(c.found(c.index.search(c.queries.view(), 3)));
  CHECK(maxdot_workspace_bytes(workspace) > 0);
  maxdot_workspace_release(workspace);
  CHECK(maxdot_workspace_bytes(workspace) == 0);
  options.most_result_bytes = 100;
  const double threshold = 1e9;
  maxdot_range* range = nullptr;
  CHECK(maxdot_search_range(c.handle, &c.asked, &threshold, 1, &options, &range) ==
        MAXDOT_OUT_OF_MEMORY);
  CHECK(range == nullptr);
  maxdot_workspace_free(workspace);
  maxdot_workspace_free(nullptr);
  maxdot_workspace_release(nullptr);
  CHECK(maxdot_workspace_bytes(nullptr) == 0);
  CHECK(maxdot_workspace_create(nullptr) == MAXDOT_INVALID_ARGUMENT);
  maxdot_limit_thread_memory(0);
  CHECK(c.search(nullptr) == MAXDOT_OK);
  CHECK(maxdot::thread_memory_bytes() == 0);
  maxdot_limit_thread_memory(std::uint64_t{64} << 20);
  CHECK(c.search(nullptr) == MAXDOT_OK);
  CHECK(maxdot::thread_memory_bytes() > 0);
  maxdot_release_thread_memory();
  CHECK(maxdot::thread_memory_bytes() == 0);
}

TEST_CASE("C: a call can be cancelled, and its time be limited; errors are each thread's own") {
  Case c;
  maxdot_cancellation* cancellation = nullptr;
  REQUIRE(maxdot_cancellation_create(&cancellation) == MAXDOT_OK);
  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.cancellation = cancellation;
  CHECK(c.search(&options) == MAXDOT_OK);
  std::thread([&] {
    maxdot_cancellation_cancel(cancellation);
    CHECK(std::string(maxdot_error_text()) == "");
    CHECK(maxdot_save(c.handle, nullptr) == MAXDOT_INVALID_ARGUMENT);
  }).join();
  CHECK(c.search(&options) == MAXDOT_CANCELLED);
  CHECK(says("cancelled"));
  options.cancellation = nullptr;
  options.timeout = 1e-12;
  CHECK(c.search(&options) == MAXDOT_TIMEOUT);
  maxdot_cancellation_free(cancellation);
  maxdot_cancellation_free(nullptr);
  maxdot_cancellation_cancel(nullptr);
  maxdot_close(nullptr);
  maxdot_range_free(nullptr);
  CHECK(maxdot_range_size(nullptr) == 0);
  CHECK(maxdot_range_offsets(nullptr) == nullptr);
}

TEST_CASE("C: an error that there is no memory to keep has its status, and a text" *
          doctest::skip(!test::kAllocationsCanFail)) {
  Case c;
  bool lost = false;
  bool fired = true;
  for (std::uint64_t n = 0; fired; ++n) {
    // In a thread that has not failed yet: what it keeps of errors is made at the first.
    std::thread([&] {
      int status = MAXDOT_OK;
      std::string text;
      {
        const test::AllocationFault fault(n);
        status = maxdot_save(c.handle, nullptr);
        fired = fault.fired();
      }
      text = maxdot_error_text();
      const bool right = status == MAXDOT_INVALID_ARGUMENT;
      CHECK((right || (fired && status == MAXDOT_OUT_OF_MEMORY)));
      CHECK(text != "");
      lost = lost || (right && text.find("its status is right") != std::string::npos);
      std::int64_t row = 0;
      maxdot_error_place(&row, nullptr);
      CHECK(row == -1);
      CHECK(std::string(maxdot_error_path()) == "");
      // The next failure has its own text again.
      CHECK(maxdot_save(c.handle, nullptr) == MAXDOT_INVALID_ARGUMENT);
      CHECK(says("path"));
    }).join();
  }
  CHECK(lost);
}

// Callers are compiled with them. Those of maxdot_status stand in the stored ABI (tests/embedding),
// these do not, because options hold integers.
static_assert(MAXDOT_DEFAULT_METRIC == 0 && MAXDOT_DOT == 1 && MAXDOT_COSINE == 2 &&
              MAXDOT_EUCLIDEAN == 3 && MAXDOT_F32 == 1 && MAXDOT_F16 == 2 && MAXDOT_SCORES == 0 &&
              MAXDOT_KEYS == 1 && MAXDOT_ALL_THREADS == -1);

TEST_CASE("C: names and versions") {
  CHECK(std::string(maxdot_version()) == std::to_string(MAXDOT_VERSION_MAJOR) + "." +
                                             std::to_string(MAXDOT_VERSION_MINOR) + "." +
                                             std::to_string(MAXDOT_VERSION_PATCH));
  for (int status = 0; status <= 10; ++status)
    CHECK(std::string(maxdot_status_name(status)).rfind("MAXDOT_", 0) == 0);
  CHECK(std::string(maxdot_status_name(MAXDOT_INTERNAL)) == "MAXDOT_INTERNAL");
  CHECK(std::string(maxdot_status_name(50)) == "unknown");
  const char* kernel = nullptr;
  CHECK(maxdot_kernel(&kernel) == MAXDOT_OK);
  CHECK(std::string(kernel) == maxdot::kernel_name());
  CHECK(maxdot_available_threads() == maxdot::available_threads());
}

TEST_CASE("C: kernels are listed and chosen") {
  const char* before = nullptr;
  REQUIRE(maxdot_kernel(&before) == MAXDOT_OK);
  Case c;
  const maxdot::SearchResult expected = c.index.search(c.queries.view(), 3);
  const char* name = nullptr;
  int32_t count = 0;
  for (; maxdot_kernel_at(count, &name) == MAXDOT_OK && name != nullptr; ++count) {
    CAPTURE(name);
    CHECK(maxdot_use_kernels(name) == MAXDOT_OK);
    CHECK(maxdot::kernel_name() == std::string(name));
    CHECK(c.search(nullptr) == MAXDOT_OK);
    CHECK(c.found(expected));
  }
  CHECK(count == static_cast<int32_t>(maxdot::kernel_names().size()));
  CHECK(maxdot_kernel_at(-1, &name) == MAXDOT_OK);
  CHECK(name == nullptr);
  CHECK(maxdot_kernel_at(0, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_use_kernels(nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_use_kernels("none of them") == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("none of them"));
  CHECK(maxdot_use_kernels(before) == MAXDOT_OK);
}

TEST_CASE("C: a search tells what it did, as far as the caller's struct goes") {
  Case c;
  maxdot_search_stats stats;
  MAXDOT_INIT(stats);
  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.stats = &stats;
  CHECK(c.search(&options) == MAXDOT_OK);
  maxdot::SearchStats expected;
  (void)c.index.search(c.queries.view(), 3, {.threads = 1, .stats = &expected});
  CHECK(stats.struct_size == sizeof stats);
  CHECK(stats.queries == 6);
  // Each member stands where its name says: all of one search, in the order of the C++ struct.
  const std::uint64_t told[] = {stats.queries,          stats.queries_by_f32, stats.queries_by_list,
                                stats.queries_repeated, stats.tiles_4bit,     stats.tiles_8bit,
                                stats.tiles_f32,        stats.candidates,     stats.refined,
                                stats.rescored,         stats.bytes_read};
  static_assert(sizeof told == sizeof expected);
  CHECK(std::memcmp(told, &expected, sizeof told) == 0);

  // A caller of an earlier version: nothing is written behind its struct.
  maxdot_search_stats earlier;
  std::memset(&earlier, 0x55, sizeof earlier);
  earlier.struct_size = offsetof(maxdot_search_stats, candidates);
  options.stats = &earlier;
  CHECK(c.search(&options) == MAXDOT_OK);
  CHECK(earlier.queries == 6);
  CHECK(earlier.candidates == 0x5555555555555555U);
  CHECK(earlier.bytes_read == 0x5555555555555555U);

  earlier.struct_size = 0;
  CHECK(c.search(&options) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("stats"));
}

TEST_CASE("C: a text that is cut says what it can") {
  maxdot_index* opened = nullptr;
  const std::string continuations(9000, '\x80');
  CHECK(maxdot_open(continuations.c_str(), nullptr, &opened) == MAXDOT_IO);
  CHECK(std::string(maxdot_error_text()).size() == 8191);
  CHECK(std::string(maxdot_error_path()).size() == 4095);
  std::string accents;
  for (int i = 0; i < 5000; ++i) accents += "\xc3\xa4";
  CHECK(maxdot_open(accents.c_str(), nullptr, &opened) == MAXDOT_IO);
  CHECK(std::string(maxdot_error_text()) == accents.substr(0, 8190));
  CHECK(std::string(maxdot_error_path()) == accents.substr(0, 4094));
}

TEST_CASE("C: an error about a file has its path") {
  maxdot_index* opened = nullptr;
  CHECK(maxdot_open("/nowhere/at all.maxdot", nullptr, &opened) == MAXDOT_IO);
  CHECK(std::string(maxdot_error_path()) == "/nowhere/at all.maxdot");
  CHECK(maxdot_build(nullptr, nullptr, &opened) == MAXDOT_INVALID_ARGUMENT);
  CHECK(std::string(maxdot_error_path()).empty());
}
