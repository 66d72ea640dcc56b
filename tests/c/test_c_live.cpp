// A catalogue that changes, from C: its answers are those of an Index built of its items, whatever
// happened to it.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "c/live_case.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

namespace test = maxdot::test;

using namespace maxdot::test;

TEST_CASE("C live: items come, change and go; every version answers as an index of its items") {
  LiveCase c;
  c.upsert(ids_from(0, 40), 1);
  check(c);
  maxdot_snapshot* before = nullptr;
  REQUIRE(maxdot_live_snapshot(c.live, &before) == MAXDOT_OK);
  const auto model_before = c.model;
  c.upsert(ids_from(20, 300, 2), 2);  // a segment at once
  c.remove({0, 1, 2, 20, 22, 5000});
  c.upsert(ids_from(10, 30, 3), 3);
  check(c);
  REQUIRE(maxdot_live_compact(c.live) == MAXDOT_OK);
  c.upsert(ids_from(600, 3), 4);
  check(c);

  maxdot_live_stats stats;
  MAXDOT_INIT(stats);
  REQUIRE(maxdot_live_get_stats(c.live, &stats) == MAXDOT_OK);
  CHECK(stats.items == c.model.size());
  CHECK(stats.fresh_items == 3);
  CHECK(stats.segments == 1);
  CHECK(stats.segment_bytes > 0);
  CHECK(stats.log_bytes > 0);
  CHECK(stats.compactions > 0);
  CHECK(stats.replaces == 0);
  char text[8] = "before";
  REQUIRE(maxdot_live_compaction_error(c.live, text, sizeof text) == MAXDOT_OK);
  CHECK(std::string(text).empty());

  // A version outlives others, and the handle.
  maxdot_live_close(c.live);
  c.live = nullptr;
  c.model = model_before;
  check_snapshot(c, before);
  maxdot_snapshot_free(before);
}

TEST_CASE("C live: searches of the handle are those of the newest version") {
  LiveCase c;
  c.upsert(ids_from(5, 200), 1);
  c.upsert(ids_from(100, 10), 2);
  std::vector<std::int64_t> ids;
  for (const auto& [id, row] : c.model) ids.push_back(id);
  const maxdot::Index index = c.index_of(ids);
  Results results(c.asked.rows, 6);
  REQUIRE(maxdot_live_search(c.live, &c.asked, 6, nullptr, results.ids.data(),
                             results.scores.data(), results.counts.data()) == MAXDOT_OK);
  check_same(results, index.search(c.queries.view(), 6));
  Results users(c.asked.rows / 2, 6);
  REQUIRE(maxdot_live_search_multi(c.live, &c.asked, 2, 6, nullptr, users.ids.data(),
                                   users.scores.data(), users.counts.data()) == MAXDOT_OK);
  check_same(users, index.search_multi(c.queries.view(), 2, 6));
  const std::vector<double> threshold = {2.0};
  maxdot_range* range = nullptr;
  REQUIRE(maxdot_live_search_range(c.live, &c.asked, threshold.data(), 1, nullptr, &range) ==
          MAXDOT_OK);
  check_same(range, index.search_range(c.queries.view(), threshold));

  // A mask would be read as long as the newest version is.
  const std::vector<std::uint8_t> mask(ids.size(), 1);
  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.item_mask = mask.data();
  CHECK(maxdot_live_search(c.live, &c.asked, 6, &options, results.ids.data(), results.scores.data(),
                           nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("item_mask"));
  CHECK(maxdot_live_search_multi(c.live, &c.asked, 2, 6, &options, users.ids.data(),
                                 users.scores.data(), nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_search_range(c.live, &c.asked, threshold.data(), 1, &options, &range) ==
        MAXDOT_INVALID_ARGUMENT);
  CHECK(range == nullptr);
}

TEST_CASE("C live: one writes, others read, and what is stored is there again") {
  LiveCase c;
  c.upsert(ids_from(0, 100), 1);
  maxdot_live* reader = nullptr;
  REQUIRE(maxdot_live_open_read_only(c.path.c_str(), &reader) == MAXDOT_OK);
  maxdot_live* second = nullptr;
  CHECK(maxdot_live_open(c.path.c_str(), nullptr, &second) == MAXDOT_IO);
  CHECK(second == nullptr);
  CHECK(says("open for writing already"));
  CHECK(std::string(maxdot_error_path()) == c.path);

  std::int32_t changed = -1;
  CHECK(maxdot_live_refresh(reader, &changed) == MAXDOT_OK);
  CHECK(changed == 0);
  c.remove({3, 4});
  CHECK(maxdot_live_refresh(reader, &changed) == MAXDOT_OK);
  CHECK(changed == 1);
  CHECK(maxdot_live_refresh(reader, nullptr) == MAXDOT_OK);
  maxdot_snapshot* seen = nullptr;
  REQUIRE(maxdot_live_snapshot(reader, &seen) == MAXDOT_OK);
  check_snapshot(c, seen);
  maxdot_snapshot_free(seen);

  const std::int64_t one = 1;
  CHECK(maxdot_live_remove(reader, &one, 1, nullptr) == MAXDOT_INVALID_ARGUMENT);
  CHECK(says("read-only"));
  CHECK(maxdot_live_compact(reader) == MAXDOT_INVALID_ARGUMENT);
  CHECK(maxdot_live_refresh(c.live, nullptr) == MAXDOT_INVALID_ARGUMENT);
  maxdot_live_close(reader);

  maxdot_live_close(c.live);
  c.live = nullptr;
  REQUIRE(maxdot_live_open(c.path.c_str(), nullptr, &c.live) == MAXDOT_OK);
  check(c);
}

TEST_CASE("C live: another index in its place, and requests in batches meanwhile") {
  LiveCase c;
  c.upsert(ids_from(0, 100), 1);
  maxdot_batcher* batcher = nullptr;
  REQUIRE(maxdot_batcher_create_live(c.live, nullptr, &batcher) == MAXDOT_OK);
  std::atomic<bool> done = false;
  std::thread asks([&] {
    std::vector<std::int64_t> ids(3);
    std::vector<double> scores(3);
    maxdot_matrix one = c.asked;
    one.rows = 1;
    while (!done) {
      if (maxdot_batcher_search(batcher, &one, 3, nullptr, ids.data(), scores.data(), nullptr) !=
          MAXDOT_OK)
        return;
    }
  });
  const auto replaced_by = [&](std::size_t items, std::uint64_t seed) {
    const test::Rows rows = test::gaussian_rows(items, kDimension, seed);
    c.model.clear();
    for (std::size_t i = 0; i < items; ++i) {
      const float* row = rows.values.data() + i * kDimension;
      c.model[static_cast<std::int64_t>(i)].assign(row, row + kDimension);
    }
    return maxdot::Index::build(rows.view(), {.metric = maxdot::Metric::dot});
  };
  const std::string saved = c.folder / "tonight.maxdot";
  maxdot_change change;
  MAXDOT_INIT(change);
  for (std::uint64_t turn = 0; turn < 10; ++turn) {
    (void)replaced_by(50 + turn, 10 + turn).save(saved);
    if (turn % 2 == 0) {
      REQUIRE(maxdot_live_replace_path(c.live, saved.c_str(), &change) == MAXDOT_OK);
    } else {
      maxdot_index* index = nullptr;
      REQUIRE(maxdot_open(saved.c_str(), nullptr, &index) == MAXDOT_OK);
      REQUIRE(maxdot_live_replace(c.live, index, &change) == MAXDOT_OK);
      maxdot_close(index);
    }
    CHECK(change.items == static_cast<std::int64_t>(c.model.size()));
    check(c);
  }
  done = true;
  asks.join();

  // It keeps the catalogue open.
  maxdot_live_close(c.live);
  c.live = nullptr;
  CHECK(maxdot_live_open(c.path.c_str(), nullptr, &c.live) == MAXDOT_IO);
  std::vector<std::int64_t> ids;
  for (const auto& [id, row] : c.model) ids.push_back(id);
  Results results(c.asked.rows, 5);
  REQUIRE(maxdot_batcher_search(batcher, &c.asked, 5, nullptr, results.ids.data(),
                                results.scores.data(), results.counts.data()) == MAXDOT_OK);
  check_same(results, c.index_of(ids).search(c.queries.view(), 5));
  maxdot_batcher_free(batcher);
  CHECK(maxdot_live_open(c.path.c_str(), nullptr, &c.live) == MAXDOT_OK);
}
