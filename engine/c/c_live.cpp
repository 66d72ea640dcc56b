// A catalogue that changes, from C.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "c/c_arguments.hpp"
#include "c/c_status.hpp"
#include "maxdot/error.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/maxdot.h"

using namespace maxdot;

namespace {

CatalogueOptions catalogue_of(const maxdot_catalogue_options* options) {
  const maxdot_catalogue_options given = c::options_of(options, "catalogue");
  CatalogueOptions catalogue;
  catalogue.metric = c::metric_of(given.metric).value_or(Metric::cosine);
  catalogue.normalize = given.normalize != 0;
  if (given.dtype != 0) catalogue.dtype = c::dtype_of(given.dtype, "catalogue");
  return catalogue;
}

Durability durability_of(std::int32_t durability) {
  switch (durability) {
    case MAXDOT_DURABLE_GROUP:
      return Durability::group;
    case MAXDOT_DURABLE_EACH:
      return Durability::each;
    case MAXDOT_DURABLE_NONE:
      return Durability::none;
    default:
      throw Error(ErrorCode::invalid_argument, "durability: " + std::to_string(durability) +
                                                   " is no value of maxdot_durability");
  }
}

LiveOptions live_options_of(const maxdot_live_options* options) {
  const maxdot_live_options given = c::options_of(options, "options");
  LiveOptions live;
  live.durability = durability_of(given.durability);
  if (given.fresh_items != 0)
    live.fresh_items = c::size_of_argument(given.fresh_items, "fresh_items");
  live.compact_in_background = given.no_compaction == 0;
  live.compaction_threads = c::threads_of(given.compaction_threads);
  if (given.most_merge_bytes != 0) live.most_merge_bytes = given.most_merge_bytes;
  return live;
}

/// Calls change(index) and writes what it did to `told`, unless that is null.
template <typename Call>
maxdot_status changed(maxdot_live* live, maxdot_change* told, const Call& change) {
  return c::guarded([&] {
    LiveIndex& index = c::required(live, "live").index;
    if (told != nullptr) c::check_told(*told, "change");
    const Change done = change(index);
    if (told == nullptr) return;
    maxdot_change made = {};
    made.version = done.version;
    made.items = static_cast<std::int64_t>(done.items);
    c::tell(made, told, "change");
  });
}

std::span<const std::int64_t> ids_of(const std::int64_t* ids, std::size_t count) {
  if (count != 0) c::required(ids, "ids");
  return {ids, count};
}

}  // namespace

extern "C" {

maxdot_status maxdot_live_create(const char* folder, int64_t dimension,
                                 const maxdot_catalogue_options* catalogue,
                                 const maxdot_live_options* options, maxdot_live** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    c::required(folder, "folder");
    const std::size_t columns = c::size_of_argument(dimension, "dimension");
    const CatalogueOptions shape = catalogue_of(catalogue);
    *made = new maxdot_live{LiveIndex::create(folder, columns, shape, live_options_of(options))};
  });
}

maxdot_status maxdot_live_open(const char* folder, const maxdot_live_options* options,
                               maxdot_live** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    c::required(folder, "folder");
    *made = new maxdot_live{LiveIndex::open(folder, live_options_of(options))};
  });
}

maxdot_status maxdot_live_open_read_only(const char* folder, maxdot_live** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    c::required(folder, "folder");
    *made = new maxdot_live{LiveIndex::open_read_only(folder)};
  });
}

void maxdot_live_close(maxdot_live* live) {
  const c::NoThreadCancel no_cancel;  // it waits for its thread
  delete live;
}

maxdot_status maxdot_live_upsert(maxdot_live* live, const int64_t* ids, const maxdot_matrix* rows,
                                 maxdot_change* change) {
  return changed(live, change, [&](LiveIndex& index) {
    const MatrixView given = c::matrix_of(rows, "rows");
    return index.upsert(ids_of(ids, given.rows), given);
  });
}

maxdot_status maxdot_live_remove(maxdot_live* live, const int64_t* ids, int64_t count,
                                 maxdot_change* change) {
  return changed(live, change, [&](LiveIndex& index) {
    return index.remove(ids_of(ids, c::size_of_argument(count, "count")));
  });
}

maxdot_status maxdot_live_replace(maxdot_live* live, const maxdot_index* index,
                                  maxdot_change* change) {
  return changed(live, change, [&](LiveIndex& catalogue) {
    return catalogue.replace(c::required(index, "index").index);
  });
}

maxdot_status maxdot_live_replace_path(maxdot_live* live, const char* path, maxdot_change* change) {
  return changed(live, change, [&](LiveIndex& catalogue) {
    return catalogue.replace(std::string(&c::required(path, "path")));
  });
}

maxdot_status maxdot_live_refresh(maxdot_live* live, int32_t* changed) {
  return c::guarded([&] {
    const bool another = c::required(live, "live").index.refresh();
    if (changed != nullptr) *changed = another ? 1 : 0;
  });
}

maxdot_status maxdot_live_compact(maxdot_live* live) {
  return c::guarded([&] { c::required(live, "live").index.compact(); });
}

maxdot_status maxdot_live_get_stats(const maxdot_live* live, maxdot_live_stats* stats) {
  return c::guarded([&] {
    const LiveStats known = c::required(live, "live").index.stats();
    maxdot_live_stats told = {};
    told.version = known.version;
    told.items = known.items;
    told.fresh_items = known.fresh_items;
    told.dead_items = known.dead_items;
    told.segments = known.segments;
    told.segment_bytes = known.segment_bytes;
    told.log_bytes = known.log_bytes;
    told.compactions = known.compactions;
    told.replaces = known.replaces;
    c::tell(told, stats, "stats");
  });
}

maxdot_status maxdot_live_compaction_error(const maxdot_live* live, char* text, int64_t size) {
  return c::guarded([&] {
    const LiveIndex& index = c::required(live, "live").index;
    c::required(text, "text");
    const std::size_t room = c::size_of_argument(size, "size");
    if (room == 0) throw Error(ErrorCode::invalid_argument, "size: is 0; a text needs 1 or more");
    c::write_line(index.stats().compaction_error, text, room);
  });
}

}  // extern "C"
