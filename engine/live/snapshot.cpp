// The public Snapshot.

#include <string>
#include <utility>

#include "api/index_parts.hpp"
#include "api/search_arguments.hpp"
#include "base/entry.hpp"
#include "base/f16.hpp"
#include "live/segment.hpp"
#include "live/snapshot_parts.hpp"
#include "live/snapshot_search.hpp"
#include "live/version.hpp"
#include "maxdot/error.hpp"
#include "maxdot/live_index.hpp"
#include "store/encode.hpp"

namespace maxdot::live {

const Version& SnapshotParts::of(const Snapshot& snapshot) {
  if (snapshot.version_ != nullptr) return *snapshot.version_;
  throw Error(ErrorCode::invalid_argument, "this Snapshot is empty; LiveIndex::snapshot makes one");
}

Snapshot SnapshotParts::make(std::shared_ptr<const Version> version) noexcept {
  Snapshot made;
  made.version_ = std::move(version);
  return made;
}

}  // namespace maxdot::live

namespace maxdot {
inline namespace v0_1 {
namespace {

using live::SnapshotParts;

auto no_memory_for(const MatrixView& queries, const char* name) {
  return [&queries, name] {
    return "no memory for the search of " + std::to_string(queries.rows) + " " + name +
           "; use fewer at once";
  };
}

ResultView view_of(SearchResult& result) {
  return {result.ids.data(), result.scores.data(), result.counts.data()};
}

}  // namespace

SearchResult Snapshot::search(const MatrixView& queries, std::size_t k,
                              const SearchOptions& options) const {
  return base::entry(options.stop, no_memory_for(queries, "queries"), [&] {
    store::check_shape(queries, "queries");
    SearchResult result = api::room_for(queries.rows, k, options.most_result_bytes);
    live::search(SnapshotParts::of(*this), queries, k, view_of(result), options);
    return result;
  });
}

void Snapshot::search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                           const SearchOptions& options) const {
  base::entry(options.stop, no_memory_for(queries, "queries"),
              [&] { live::search(SnapshotParts::of(*this), queries, k, out, options); });
}

SearchResult Snapshot::search_multi(const MatrixView& interests, std::size_t per_user,
                                    std::size_t k, const SearchOptions& options) const {
  return base::entry(options.stop, no_memory_for(interests, "interests"), [&] {
    store::check_shape(interests, "interests");
    SearchResult result =
        api::room_for(api::checked_users(interests, per_user), k, options.most_result_bytes);
    live::search_multi(SnapshotParts::of(*this), interests, per_user, k, view_of(result), options);
    return result;
  });
}

void Snapshot::search_multi_into(const MatrixView& interests, std::size_t per_user, std::size_t k,
                                 const ResultView& out, const SearchOptions& options) const {
  base::entry(options.stop, no_memory_for(interests, "interests"), [&] {
    live::search_multi(SnapshotParts::of(*this), interests, per_user, k, out, options);
  });
}

RangeResult Snapshot::search_range(const MatrixView& queries, std::span<const double> thresholds,
                                   const SearchOptions& options) const {
  return base::entry(options.stop, no_memory_for(queries, "queries"), [&] {
    store::check_shape(queries, "queries");
    return live::search_range(SnapshotParts::of(*this), queries, thresholds, options);
  });
}

std::uint64_t Snapshot::version() const noexcept {
  return version_ == nullptr ? 0 : version_->number;
}

std::size_t Snapshot::size() const noexcept { return version_ == nullptr ? 0 : version_->items; }

std::size_t Snapshot::dimension() const noexcept {
  return version_ == nullptr ? 0 : version_->shape.dimension;
}

IndexInfo Snapshot::info() const noexcept {
  if (version_ == nullptr) return {};
  IndexInfo info;
  info.items = version_->items;
  info.dimension = version_->shape.dimension;
  info.dtype = version_->shape.dtype;
  info.metric = version_->shape.metric;
  info.normalized = version_->shape.normalized;
  info.has_ids = true;
  for (const live::VisiblePart& visible : version_->parts) {
    if (visible.part->has_codes())
      info.bytes += static_cast<const live::Segment&>(*visible.part).index().info().bytes;
  }
  return info;
}

std::vector<std::int64_t> Snapshot::ids() const {
  return base::entry([] { return std::string("no memory for the ids of a snapshot"); },
                     [&] {
                       const live::Version& version = SnapshotParts::of(*this);
                       std::vector<std::int64_t> ids;
                       ids.reserve(version.items);
                       for (const live::VisiblePart& visible : version.parts) {
                         for (std::size_t row = 0; row < visible.rows; ++row) {
                           if (version.lives(visible, row)) ids.push_back(visible.part->id(row));
                         }
                       }
                       return ids;
                     });
}

bool Snapshot::item(std::int64_t id, float* out) const {
  return base::entry([] { return std::string("no memory for the table of item ids"); },
                     [&] {
                       const live::Version& version = SnapshotParts::of(*this);
                       for (const live::VisiblePart& visible : version.parts) {
                         visible.part->prepare_to_find();
                         const std::uint32_t row = visible.part->find(id, visible.rows);
                         if (row == store::kNoRow || !version.lives(visible, row)) continue;
                         const store::ItemStore items = visible.part->items(visible.rows);
                         if (out != nullptr)
                           base::to_f32(items.row(row), items.dtype, items.dimension, out);
                         return true;
                       }
                       return false;
                     });
}

}  // namespace v0_1
}  // namespace maxdot
