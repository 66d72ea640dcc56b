// A catalogue that changes, from C, and what it should hold.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "c/c_calls.hpp"
#include "files.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

namespace maxdot::test {

inline constexpr std::size_t kDimension = 12;

/// A catalogue, and what it should hold.
struct LiveCase {
  const Folder folder;
  const std::string path = folder / "items";
  const Rows queries = gaussian_rows(20, kDimension, 2);
  const maxdot_matrix asked = matrix_of(queries);
  maxdot_live* live = nullptr;
  std::map<std::int64_t, std::vector<float>> model;

  explicit LiveCase(std::int32_t metric = MAXDOT_DOT) {
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
  ~LiveCase() { maxdot_live_close(live); }
  LiveCase(const LiveCase&) = delete;
  LiveCase& operator=(const LiveCase&) = delete;

  void upsert(const std::vector<std::int64_t>& ids, std::uint64_t seed) {
    const Rows rows = gaussian_rows(ids.size(), kDimension, seed);
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
  Index index_of(const std::vector<std::int64_t>& ids) const {
    std::vector<float> values;
    for (const std::int64_t id : ids) {
      const std::vector<float>& row = model.at(id);
      values.insert(values.end(), row.begin(), row.end());
    }
    BuildOptions options;
    options.metric = Metric::dot;
    options.ids = ids;
    return Index::build(MatrixView::f32(values.data(), ids.size(), kDimension), options);
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

void check_same(const Results& got, const SearchResult& expected);
void check_same(maxdot_range* got, const RangeResult& expected);

/// Searches of every kind give what an Index of the model's items does.
void check_snapshot(const LiveCase& c, const maxdot_snapshot* snapshot);
/// The same of the newest version.
void check(const LiveCase& c);

}  // namespace maxdot::test
