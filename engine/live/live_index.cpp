// The public LiveIndex: checks what the caller gives, then hands over to the catalogue.

#include "maxdot/live_index.hpp"

#include <string>
#include <utility>

#include "api/index_parts.hpp"
#include "base/checked.hpp"
#include "base/entry.hpp"
#include "base/path_errors.hpp"
#include "live/catalogue.hpp"
#include "live/snapshot_parts.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {

std::shared_ptr<Catalogue> SnapshotParts::of(const LiveIndex& index) {
  if (index.catalogue_ != nullptr) return index.catalogue_;
  throw Error(ErrorCode::invalid_argument,
              "this LiveIndex was moved from; LiveIndex::open makes one");
}

}  // namespace maxdot::live

namespace maxdot {
inline namespace v0_1 {
namespace {

using live::Catalogue;
using live::SnapshotParts;

LiveOptions checked(const LiveOptions& options) {
  constexpr std::size_t kFewest = 64;
  constexpr std::size_t kMost = std::size_t{1} << 20;
  if (options.durability != Durability::none && options.durability != Durability::group &&
      options.durability != Durability::each) {
    throw Error(ErrorCode::invalid_argument,
                "durability: " + std::to_string(static_cast<int>(options.durability)) +
                    " is not a value of maxdot::Durability");
  }
  if (options.fresh_items < kFewest || options.fresh_items > kMost) {
    throw Error(ErrorCode::invalid_argument, "fresh_items: " + std::to_string(options.fresh_items) +
                                                 " is outside " + std::to_string(kFewest) + " to " +
                                                 std::to_string(kMost));
  }
  (void)api::checked_threads(options.compaction_threads);
  return options;
}

/// Calls call(catalogue) as an entry point that is about its folder.
template <typename Call>
auto of_folder(const LiveIndex& index, const char* what, Call&& call) {
  const std::shared_ptr<Catalogue> catalogue = SnapshotParts::of(index);
  return base::file_entry(catalogue->path(), what, [&] { return call(*catalogue); });
}

/// To be searched with these options.
Snapshot newest(const LiveIndex& index, const SearchOptions& options) {
  if (!options.filters.item_mask.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "item_mask: has a value for each item in the order of a snapshot, which the newest "
                "version may not have any more; search a snapshot, or use allow or exclude");
  }
  return index.snapshot();
}

}  // namespace

LiveIndex::LiveIndex(std::shared_ptr<live::Catalogue> catalogue) noexcept
    : catalogue_(std::move(catalogue)) {}
LiveIndex::LiveIndex(LiveIndex&& other) noexcept = default;
LiveIndex& LiveIndex::operator=(LiveIndex&& other) noexcept = default;
LiveIndex::~LiveIndex() = default;

LiveIndex LiveIndex::create(const std::string& folder, std::size_t dimension,
                            const CatalogueOptions& catalogue, const LiveOptions& options) {
  return base::file_entry(folder, "create the LiveIndex", [&] {
    (void)checked(options);
    if (dimension == 0 || dimension > max_dimension) {
      throw Error(ErrorCode::invalid_argument, "dimension: " + std::to_string(dimension) +
                                                   " is outside 1 to " +
                                                   std::to_string(max_dimension));
    }
    base::check_dtype(catalogue.dtype, "catalogue");
    Catalogue::create(folder, {api::checked_metric(catalogue.metric), catalogue.normalize,
                               catalogue.dtype, dimension});
    return open(folder, options);
  });
}

LiveIndex LiveIndex::open(const std::string& folder, const LiveOptions& options) {
  return base::file_entry(folder, "open the LiveIndex", [&] {
    return LiveIndex(std::make_shared<Catalogue>(folder, checked(options), Catalogue::Mode::write));
  });
}

LiveIndex LiveIndex::open_read_only(const std::string& folder) {
  return base::file_entry(folder, "open the LiveIndex", [&] {
    return LiveIndex(std::make_shared<Catalogue>(folder, LiveOptions{}, Catalogue::Mode::read));
  });
}

Change LiveIndex::upsert(std::span<const std::int64_t> ids, const MatrixView& rows) {
  return of_folder(*this, "put items in",
                   [&](Catalogue& catalogue) { return catalogue.upsert(ids, rows); });
}

Change LiveIndex::remove(std::span<const std::int64_t> ids) {
  return of_folder(*this, "remove items",
                   [&](Catalogue& catalogue) { return catalogue.remove(ids); });
}

Change LiveIndex::replace(const Index& index) {
  return of_folder(*this, "replace the catalogue", [&](Catalogue& catalogue) {
    (void)api::IndexParts::of(index);
    return catalogue.replace(index);
  });
}

Change LiveIndex::replace(const std::string& path) {
  OpenOptions verified;
  verified.verify_payload = true;
  return replace(Index::open(path, verified));
}

bool LiveIndex::refresh() {
  return of_folder(*this, "refresh the LiveIndex",
                   [](Catalogue& catalogue) { return catalogue.refresh(); });
}

Snapshot LiveIndex::snapshot() const {
  return SnapshotParts::make(SnapshotParts::of(*this)->version());
}

SearchResult LiveIndex::search(const MatrixView& queries, std::size_t k,
                               const SearchOptions& options) const {
  return newest(*this, options).search(queries, k, options);
}

void LiveIndex::search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                            const SearchOptions& options) const {
  newest(*this, options).search_into(queries, k, out, options);
}

SearchResult LiveIndex::search_multi(const MatrixView& interests, std::size_t per_user,
                                     std::size_t k, const SearchOptions& options) const {
  return newest(*this, options).search_multi(interests, per_user, k, options);
}

void LiveIndex::search_multi_into(const MatrixView& interests, std::size_t per_user, std::size_t k,
                                  const ResultView& out, const SearchOptions& options) const {
  newest(*this, options).search_multi_into(interests, per_user, k, out, options);
}

RangeResult LiveIndex::search_range(const MatrixView& queries, std::span<const double> thresholds,
                                    const SearchOptions& options) const {
  return newest(*this, options).search_range(queries, thresholds, options);
}

void LiveIndex::compact() {
  of_folder(*this, "compact the LiveIndex", [](Catalogue& catalogue) { catalogue.compact(); });
}

LiveStats LiveIndex::stats() const {
  return of_folder(*this, "tell of the LiveIndex",
                   [](Catalogue& catalogue) { return catalogue.stats(); });
}

}  // namespace v0_1
}  // namespace maxdot
