#include "c/live_case.hpp"

#include <cstring>

namespace maxdot::test {

void check_same(const Results& got, const SearchResult& expected) {
  CHECK(got.ids == expected.ids);
  CHECK(got.counts == expected.counts);
  REQUIRE(got.scores.size() == expected.scores.size());
  CHECK(std::memcmp(got.scores.data(), expected.scores.data(),
                    got.scores.size() * sizeof(double)) == 0);
}

void check_same(maxdot_range* got, const RangeResult& expected) {
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

void check_snapshot(const LiveCase& c, const maxdot_snapshot* snapshot) {
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

  const Index index = c.index_of(ids);
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
  SearchOptions same;
  same.metric = Metric::euclidean;
  same.score_kind = ScoreKind::keys;
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

void check(const LiveCase& c) {
  maxdot_snapshot* snapshot = nullptr;
  REQUIRE(maxdot_live_snapshot(c.live, &snapshot) == MAXDOT_OK);
  CHECK(maxdot_snapshot_version(snapshot) == c.version());
  check_snapshot(c, snapshot);
  maxdot_snapshot_free(snapshot);
}

}  // namespace maxdot::test
