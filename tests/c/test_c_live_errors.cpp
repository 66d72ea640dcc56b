// A catalogue that changes, from C: a status for whatever a caller does wrong, and for what fails.
#include <doctest/doctest.h>
#include <pthread.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "c/live_case.hpp"
#include "files.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

namespace test = maxdot::test;

using namespace maxdot::test;

TEST_CASE("C live: what cannot be made or opened") {
  const test::Folder folder;
  const std::string path = folder / "items";
  maxdot_live* live = nullptr;
  const auto create = [&](std::int64_t dimension, const maxdot_catalogue_options* catalogue,
                          const maxdot_live_options* options) {
    live = reinterpret_cast<maxdot_live*>(&live);
    const maxdot_status status =
        maxdot_live_create(path.c_str(), dimension, catalogue, options, &live);
    CHECK(live == nullptr);
    return status;
  };
  CHECK(create(0, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(create(-1, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("dimension"));
  CHECK(create(INT64_MAX, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  maxdot_catalogue_options catalogue;
  MAXDOT_INIT(catalogue);
  catalogue.metric = 4;
  CHECK(create(3, &catalogue, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("metric"));
  MAXDOT_INIT(catalogue);
  catalogue.dtype = 3;
  CHECK(create(3, &catalogue, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("dtype"));
  catalogue.struct_size = 1;
  CHECK(create(3, &catalogue, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("struct_size"));
  maxdot_live_options options;
  const auto with = [&](auto set) {
    MAXDOT_INIT(options);
    set();
    return create(3, nullptr, &options);
  };
  CHECK(with([&] { options.durability = 3; }) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("durability"));
  CHECK(with([&] { options.fresh_items = 63; }) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("fresh_items"));
  CHECK(with([&] { options.fresh_items = -1; }) == MAXDOT_INVALID_ARGUMENT);
  CHECK(with([&] { options.fresh_items = INT64_MAX; }) == MAXDOT_INVALID_ARGUMENT);
  CHECK(with([&] { options.compaction_threads = -2; }) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("threads"));
  CHECK_FALSE(std::filesystem::exists(path));

  CHECK(maxdot_live_create(nullptr, 3, nullptr, nullptr, &live) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("folder"));
  CHECK(maxdot_live_create(path.c_str(), 3, nullptr, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_open(nullptr, nullptr, &live) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_open_read_only(path.c_str(), nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_open(path.c_str(), nullptr, &live) == MAXDOT_IO);
  CHECK(maxdot_live_open_read_only(path.c_str(), &live) == MAXDOT_IO);
  CHECK(std::string(maxdot_error_path()).starts_with(path));
  CHECK(live == nullptr);
}

TEST_CASE("C live: what is refused changes nothing") {
  LiveCase c;
  c.upsert(ids_from(0, 70), 1);
  const std::uint64_t version = c.version();
  test::Rows rows = test::gaussian_rows(2, kDimension, 5);
  const maxdot_matrix given = matrix_of(rows);
  const std::int64_t ids[] = {1, 1};
  CHECK(maxdot_live_upsert(c.live, ids, &given, nullptr) == MAXDOT_INVALID_DATA);
  CHECK(maxdot_live_upsert(c.live, nullptr, &given, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("ids"));
  CHECK(maxdot_live_upsert(c.live, ids, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  maxdot_matrix narrow = given;
  narrow.cols = 3;
  CHECK(maxdot_live_upsert(c.live, ids, &narrow, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("dimension"));
  maxdot_change change = {};
  const std::int64_t other_ids[] = {1, 2};
  CHECK(maxdot_live_upsert(c.live, other_ids, &given, &change) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("struct_size"));
  rows.values[kDimension + 3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(maxdot_live_upsert(c.live, other_ids, &given, nullptr) == MAXDOT_INVALID_DATA);
  std::int64_t row = -1;
  std::int64_t column = -1;
  maxdot_error_place(&row, &column);
  CHECK(row == 1);
  CHECK(column == 3);
  CHECK(maxdot_live_remove(c.live, nullptr, 3, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_remove(c.live, ids, -1, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_replace(c.live, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_replace_path(c.live, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_replace_path(c.live, (c.folder / "none").c_str(), nullptr) == MAXDOT_IO);
  const std::string bad = c.folder.put("bad.maxdot", std::string(4096, 'x'));
  CHECK(maxdot_live_replace_path(c.live, bad.c_str(), nullptr) == MAXDOT_BAD_FORMAT);
  CHECK(c.version() == version);
  check(c);

  // Nothing at all is no change.
  CHECK(maxdot_live_remove(c.live, nullptr, 0, nullptr) == MAXDOT_OK);
  CHECK(c.version() == version);

  maxdot_live_stats stats = {};
  CHECK(maxdot_live_get_stats(c.live, &stats) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_get_stats(c.live, nullptr) == MAXDOT_INVALID_ARGUMENT);
  char text[4];
  CHECK(maxdot_live_compaction_error(c.live, nullptr, 4) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_compaction_error(c.live, text, 0) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_compaction_error(c.live, text, -1) == MAXDOT_INVALID_ARGUMENT);
}

TEST_CASE("C live: null handles") {
  const test::Rows rows = test::gaussian_rows(1, kDimension, 1);
  const maxdot_matrix given = matrix_of(rows);
  const std::int64_t id = 1;
  std::int64_t out = 0;
  double score = 0;
  std::int32_t found = 0;
  char text[4];
  maxdot_live_stats stats;
  MAXDOT_INIT(stats);
  maxdot_index_info info;
  MAXDOT_INIT(info);
  maxdot_snapshot* snapshot = nullptr;
  maxdot_range* range = nullptr;
  maxdot_batcher* batcher = nullptr;
  maxdot_live_close(nullptr);
  maxdot_snapshot_free(nullptr);
  CHECK(maxdot_snapshot_version(nullptr) == 0);
  const maxdot_status all[] = {
      maxdot_live_upsert(nullptr, &id, &given, nullptr),
      maxdot_live_remove(nullptr, &id, 1, nullptr),
      maxdot_live_replace(nullptr, nullptr, nullptr),
      maxdot_live_replace_path(nullptr, "x", nullptr),
      maxdot_live_refresh(nullptr, nullptr),
      maxdot_live_compact(nullptr),
      maxdot_live_get_stats(nullptr, &stats),
      maxdot_live_compaction_error(nullptr, text, 4),
      maxdot_live_snapshot(nullptr, &snapshot),
      maxdot_snapshot_info(nullptr, &info),
      maxdot_snapshot_ids(nullptr, &out),
      maxdot_snapshot_item(nullptr, 1, nullptr, &found),
      maxdot_snapshot_search(nullptr, &given, 1, nullptr, &out, &score, nullptr),
      maxdot_snapshot_search_multi(nullptr, &given, 1, 1, nullptr, &out, &score, nullptr),
      maxdot_snapshot_search_range(nullptr, &given, &score, 1, nullptr, &range),
      maxdot_live_search(nullptr, &given, 1, nullptr, &out, &score, nullptr),
      maxdot_live_search_multi(nullptr, &given, 1, 1, nullptr, &out, &score, nullptr),
      maxdot_live_search_range(nullptr, &given, &score, 1, nullptr, &range),
      maxdot_batcher_create_live(nullptr, nullptr, &batcher),
  };
  for (const maxdot_status status : all) CHECK(status == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("is a null pointer"));
  LiveCase c;
  CHECK(maxdot_live_snapshot(c.live, nullptr) == MAXDOT_INVALID_ARGUMENT);
  REQUIRE(maxdot_live_snapshot(c.live, &snapshot) == MAXDOT_OK);
  CHECK(maxdot_snapshot_ids(snapshot, nullptr) == MAXDOT_OK);  // it is empty
  CHECK(maxdot_snapshot_item(snapshot, 1, nullptr, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_search(c.live, &given, 1, nullptr, &out, &score, nullptr) == MAXDOT_OK);
  CHECK(out == -1);
  maxdot_snapshot_free(snapshot);
}

TEST_CASE("C live: what the thread that makes segments fails with is told, cut where it must be") {
  const test::Folder folder;
  const std::string path = folder / "a\nb";
  maxdot_live* live = nullptr;
  maxdot_live_options options;
  MAXDOT_INIT(options);
  options.fresh_items = 64;
  options.durability = MAXDOT_DURABLE_NONE;
  REQUIRE(maxdot_live_create(path.c_str(), kDimension, nullptr, &options, &live) == MAXDOT_OK);
  // No other log can be made: something has its name.
  for (int number = 2; number < 300; ++number)
    std::filesystem::create_directory(path + "/log-" + std::to_string(number));
  const test::Rows rows = test::gaussian_rows(63, kDimension, 1);
  const maxdot_matrix given = matrix_of(rows);
  REQUIRE(maxdot_live_upsert(live, ids_from(0, 63).data(), &given, nullptr) == MAXDOT_OK);
  REQUIRE(maxdot_live_upsert(live, ids_from(100, 63).data(), &given, nullptr) == MAXDOT_OK);
  std::vector<char> text(4096, 'x');
  maxdot_status status = MAXDOT_OK;
  do {
    std::this_thread::yield();
    status = maxdot_live_compaction_error(live, text.data(), 4096);
  } while (status == MAXDOT_OK && text[0] == '\0');
  REQUIRE(status == MAXDOT_OK);
  const std::string whole = text.data();
  CHECK(whole.starts_with(folder / "a b/log-"));
  std::vector<char> cut(9, 'x');
  REQUIRE(maxdot_live_compaction_error(live, cut.data(), 8) == MAXDOT_OK);
  CHECK(std::string(cut.data()) == whole.substr(0, 7));
  CHECK(cut[8] == 'x');
  maxdot_live_close(live);
}

TEST_CASE("C live: pthread_cancel waits until it is closed") {
  LiveCase c;
  c.upsert(ids_from(0, 10), 1);
  maxdot_live_options options;
  MAXDOT_INIT(options);
  maxdot_live_close(c.live);
  REQUIRE(maxdot_live_open(c.path.c_str(), &options, &c.live) == MAXDOT_OK);
  std::atomic<bool> closed = false;
  std::thread closes([&] {
    pthread_cancel(pthread_self());
    maxdot_live_close(c.live);
    closed = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);  // a std::thread cannot be cancelled
  });
  closes.join();
  c.live = nullptr;
  CHECK(closed);
  REQUIRE(maxdot_live_open(c.path.c_str(), nullptr, &c.live) == MAXDOT_OK);
  check(c);
}
