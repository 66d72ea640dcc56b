// A catalogue that changes, from C: its answers are those of an Index built of its items, whatever
// happened to it; and a status for whatever a caller does wrong.
#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "files.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

namespace test = maxdot::test;

namespace {

constexpr std::size_t kDimension = 12;

maxdot_matrix matrix_of(const test::Rows& rows) {
  return {rows.values.data(), MAXDOT_F32, static_cast<std::int64_t>(rows.rows),
          static_cast<std::int64_t>(rows.cols), 0};
}

bool says(const char* part) {
  return std::string(maxdot_error_text()).find(part) != std::string::npos;
}

std::vector<std::int64_t> ids_from(std::int64_t first, std::size_t count, std::int64_t step = 1) {
  std::vector<std::int64_t> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = first + step * static_cast<std::int64_t>(i);
  return ids;
}

/// A catalogue, and what it should hold.
struct Case {
  const test::Folder folder;
  const std::string path = folder / "items";
  const test::Rows queries = test::gaussian_rows(20, kDimension, 2);
  const maxdot_matrix asked = matrix_of(queries);
  maxdot_live* live = nullptr;
  std::map<std::int64_t, std::vector<float>> model;

  explicit Case(std::int32_t metric = MAXDOT_DOT) {
    maxdot_catalogue_options catalogue;
    MAXDOT_INIT(catalogue);
    catalogue.metric = metric;
    maxdot_live_options options;
    MAXDOT_INIT(options);
    options.durability = MAXDOT_DURABLE_NONE;
    options.fresh_items = 64;
    options.no_compaction = 1;
    REQUIRE(maxdot_live_create(path.c_str(), kDimension, &catalogue, &options, &live) == MAXDOT_OK);
  }
  ~Case() { maxdot_live_close(live); }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  void upsert(const std::vector<std::int64_t>& ids, std::uint64_t seed) {
    const test::Rows rows = test::gaussian_rows(ids.size(), kDimension, seed);
    const maxdot_matrix given = matrix_of(rows);
    maxdot_change change;
    MAXDOT_INIT(change);
    REQUIRE(maxdot_live_upsert(live, ids.data(), &given, &change) == MAXDOT_OK);
    CHECK(change.items == given.rows);
    CHECK(change.version == version());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const float* row = rows.values.data() + i * kDimension;
      model[ids[i]].assign(row, row + kDimension);
    }
  }
  void remove(const std::vector<std::int64_t>& ids) {
    std::int64_t known = 0;
    for (const std::int64_t id : ids) known += static_cast<std::int64_t>(model.erase(id));
    maxdot_change change;
    MAXDOT_INIT(change);
    REQUIRE(maxdot_live_remove(live, ids.data(), static_cast<std::int64_t>(ids.size()), &change) ==
            MAXDOT_OK);
    CHECK(change.items == known);
  }
  std::uint64_t version() const {
    maxdot_live_stats stats;
    MAXDOT_INIT(stats);
    REQUIRE(maxdot_live_get_stats(live, &stats) == MAXDOT_OK);
    return stats.version;
  }
  /// An Index of the model's items in the order of `ids`.
  maxdot::Index index_of(const std::vector<std::int64_t>& ids) const {
    std::vector<float> values;
    for (const std::int64_t id : ids) {
      const std::vector<float>& row = model.at(id);
      values.insert(values.end(), row.begin(), row.end());
    }
    maxdot::BuildOptions options;
    options.metric = maxdot::Metric::dot;
    options.ids = ids;
    return maxdot::Index::build(maxdot::MatrixView::f32(values.data(), ids.size(), kDimension),
                                options);
  }
};

struct Results {
  std::vector<std::int64_t> ids;
  std::vector<double> scores;
  std::vector<std::int64_t> counts;

  Results(std::int64_t rows, std::int64_t k)
      : ids(static_cast<std::size_t>(rows * k), -7),
        scores(static_cast<std::size_t>(rows * k)),
        counts(static_cast<std::size_t>(rows)) {}
};

void check_same(const Results& got, const maxdot::SearchResult& expected) {
  CHECK(got.ids == expected.ids);
  CHECK(got.counts == expected.counts);
  REQUIRE(got.scores.size() == expected.scores.size());
  CHECK(std::memcmp(got.scores.data(), expected.scores.data(),
                    got.scores.size() * sizeof(double)) == 0);
}

void check_same(maxdot_range* got, const maxdot::RangeResult& expected) {
  const auto queries = static_cast<std::size_t>(maxdot_range_queries(got));
  const auto size = static_cast<std::size_t>(maxdot_range_size(got));
  const std::int64_t* offsets = maxdot_range_offsets(got);
  const std::int64_t* ids = maxdot_range_ids(got);
  const double* scores = maxdot_range_scores(got);
  CHECK(std::vector<std::int64_t>(offsets, offsets + queries + 1) == expected.offsets);
  CHECK(std::vector<std::int64_t>(ids, ids + size) == expected.ids);
  CHECK(std::vector<double>(scores, scores + size) == expected.scores);
  maxdot_range_free(got);
}

/// Searches of every kind give what an Index of the model's items does.
void check_snapshot(const Case& c, const maxdot_snapshot* snapshot) {
  maxdot_index_info info;
  MAXDOT_INIT(info);
  REQUIRE(maxdot_snapshot_info(snapshot, &info) == MAXDOT_OK);
  REQUIRE(info.items == static_cast<std::int64_t>(c.model.size()));
  CHECK(info.dimension == kDimension);
  CHECK(info.dtype == MAXDOT_F32);
  CHECK(info.metric == MAXDOT_DOT);
  CHECK(info.has_ids == 1);
  CHECK(info.checksum == 0);
  std::vector<std::int64_t> ids(c.model.size());
  REQUIRE(maxdot_snapshot_ids(snapshot, ids.data()) == MAXDOT_OK);
  std::vector<float> values(kDimension);
  std::int32_t found = -1;
  for (const std::int64_t id : ids) {
    REQUIRE(maxdot_snapshot_item(snapshot, id, values.data(), &found) == MAXDOT_OK);
    CHECK(found == 1);
    CHECK(values == c.model.at(id));
  }
  CHECK(maxdot_snapshot_item(snapshot, 1 << 30, nullptr, &found) == MAXDOT_OK);
  CHECK(found == 0);

  const maxdot::Index index = c.index_of(ids);
  std::vector<std::uint8_t> mask(ids.size());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 3 == 0 ? 0 : 1;
  std::vector<std::int64_t> offsets(c.queries.rows + 1);
  std::vector<std::int64_t> lists;
  for (std::size_t q = 0; q < c.queries.rows; ++q) {
    for (std::size_t i = q; i < ids.size(); i += 5) lists.push_back(ids[i]);
    offsets[q + 1] = static_cast<std::int64_t>(lists.size());
  }
  maxdot_search_stats stats;
  MAXDOT_INIT(stats);
  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.metric = MAXDOT_EUCLIDEAN;
  options.score_kind = MAXDOT_KEYS;
  options.threads = 3;
  options.item_mask = mask.data();
  options.exclude = {offsets.data(), lists.data()};
  options.stats = &stats;
  maxdot::SearchOptions same;
  same.metric = maxdot::Metric::euclidean;
  same.score_kind = maxdot::ScoreKind::keys;
  same.filters.item_mask = mask;
  same.filters.exclude = {offsets, lists};

  Results results(c.asked.rows, 7);
  REQUIRE(maxdot_snapshot_search(snapshot, &c.asked, 7, nullptr, results.ids.data(),
                                 results.scores.data(), results.counts.data()) == MAXDOT_OK);
  check_same(results, index.search(c.queries.view(), 7));
  REQUIRE(maxdot_snapshot_search(snapshot, &c.asked, 7, &options, results.ids.data(),
                                 results.scores.data(), results.counts.data()) == MAXDOT_OK);
  check_same(results, index.search(c.queries.view(), 7, same));
  CHECK(stats.queries == c.queries.rows);
  Results users(c.asked.rows / 4, 7);
  REQUIRE(maxdot_snapshot_search_multi(snapshot, &c.asked, 4, 7, nullptr, users.ids.data(),
                                       users.scores.data(), users.counts.data()) == MAXDOT_OK);
  check_same(users, index.search_multi(c.queries.view(), 4, 7));
  const std::vector<double> threshold = {1.0};
  maxdot_range* range = nullptr;
  REQUIRE(maxdot_snapshot_search_range(snapshot, &c.asked, threshold.data(), 1, nullptr, &range) ==
          MAXDOT_OK);
  check_same(range, index.search_range(c.queries.view(), threshold));
}

void check(const Case& c) {
  maxdot_snapshot* snapshot = nullptr;
  REQUIRE(maxdot_live_snapshot(c.live, &snapshot) == MAXDOT_OK);
  CHECK(maxdot_snapshot_version(snapshot) == c.version());
  check_snapshot(c, snapshot);
  maxdot_snapshot_free(snapshot);
}

}  // namespace

TEST_CASE("C live: items come, change and go; every version answers as an index of its items") {
  Case c;
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
  Case c;
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
  Case c;
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
  Case c;
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
  Case c;
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
  Case c;
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
  Case c;
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
