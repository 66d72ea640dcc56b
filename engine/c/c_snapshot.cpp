// The versions of a catalogue that changes, and searches of them, from C.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "c/c_arguments.hpp"
#include "c/c_searches.hpp"
#include "c/c_status.hpp"
#include "maxdot/error.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/maxdot.h"

using namespace maxdot;

struct maxdot_snapshot {
  Snapshot snapshot;
};

namespace {

const Snapshot& version_of(const maxdot_snapshot* snapshot) {
  return c::required(snapshot, "snapshot").snapshot;
}

/// To be searched with these options. How long a mask must be may change at any time, so it is
/// refused before it is looked at.
Snapshot newest(const maxdot_live* live, const maxdot_search_options* options) {
  const LiveIndex& index = c::required(live, "live").index;
  if (c::options_of(options, "options").item_mask != nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "item_mask: has a value for each item in the order of a snapshot, which the newest "
                "version may not have any more; search a snapshot, or use allow or exclude");
  }
  return index.snapshot();
}

}  // namespace

extern "C" {

maxdot_status maxdot_live_snapshot(const maxdot_live* live, maxdot_snapshot** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    *made = new maxdot_snapshot{c::required(live, "live").index.snapshot()};
  });
}

void maxdot_snapshot_free(maxdot_snapshot* snapshot) {
  const c::NoThreadCancel no_cancel;  // it may be the last that has some files open
  delete snapshot;
}

uint64_t maxdot_snapshot_version(const maxdot_snapshot* snapshot) {
  return snapshot == nullptr ? 0 : snapshot->snapshot.version();
}

maxdot_status maxdot_snapshot_info(const maxdot_snapshot* snapshot, maxdot_index_info* info) {
  return c::guarded([&] { c::tell_info(version_of(snapshot).info(), info); });
}

maxdot_status maxdot_snapshot_ids(const maxdot_snapshot* snapshot, int64_t* ids) {
  return c::guarded([&] {
    const Snapshot& version = version_of(snapshot);
    if (version.size() != 0) c::required(ids, "ids");
    const std::vector<std::int64_t> known = version.ids();
    std::copy(known.begin(), known.end(), ids);
  });
}

maxdot_status maxdot_snapshot_item(const maxdot_snapshot* snapshot, int64_t id, float* values,
                                   int32_t* found) {
  return c::guarded([&] {
    const Snapshot& version = version_of(snapshot);
    c::required(found, "found") = 0;
    *found = version.item(id, values) ? 1 : 0;
  });
}

maxdot_status maxdot_snapshot_search(const maxdot_snapshot* snapshot, const maxdot_matrix* queries,
                                     int64_t k, const maxdot_search_options* options, int64_t* ids,
                                     double* scores, int64_t* counts) {
  return c::guarded([&] {
    c::search(version_of(snapshot), queries, k, options, {ids, scores, counts});
  });
}

maxdot_status maxdot_snapshot_search_multi(const maxdot_snapshot* snapshot,
                                           const maxdot_matrix* interests, int64_t per_user,
                                           int64_t k, const maxdot_search_options* options,
                                           int64_t* ids, double* scores, int64_t* counts) {
  return c::guarded([&] {
    c::search_multi(version_of(snapshot), interests, per_user, k, options, {ids, scores, counts});
  });
}

maxdot_status maxdot_snapshot_search_range(const maxdot_snapshot* snapshot,
                                           const maxdot_matrix* queries, const double* thresholds,
                                           int64_t threshold_count,
                                           const maxdot_search_options* options,
                                           maxdot_range** found) {
  return c::guarded([&] {
    c::required(found, "found") = nullptr;
    *found = c::search_range(version_of(snapshot), queries, thresholds, threshold_count, options);
  });
}

maxdot_status maxdot_live_search(const maxdot_live* live, const maxdot_matrix* queries, int64_t k,
                                 const maxdot_search_options* options, int64_t* ids, double* scores,
                                 int64_t* counts) {
  return c::guarded([&] {
    c::search(newest(live, options), queries, k, options, {ids, scores, counts});
  });
}

maxdot_status maxdot_live_search_multi(const maxdot_live* live, const maxdot_matrix* interests,
                                       int64_t per_user, int64_t k,
                                       const maxdot_search_options* options, int64_t* ids,
                                       double* scores, int64_t* counts) {
  return c::guarded([&] {
    c::search_multi(newest(live, options), interests, per_user, k, options, {ids, scores, counts});
  });
}

maxdot_status maxdot_live_search_range(const maxdot_live* live, const maxdot_matrix* queries,
                                       const double* thresholds, int64_t threshold_count,
                                       const maxdot_search_options* options, maxdot_range** found) {
  return c::guarded([&] {
    c::required(found, "found") = nullptr;
    *found = c::search_range(newest(live, options), queries, thresholds, threshold_count, options);
  });
}

}  // extern "C"
