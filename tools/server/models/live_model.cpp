#include "server/models/live_model.hpp"

#include <array>
#include <filesystem>
#include <utility>
#include <vector>

namespace maxdot::server {
namespace {

// The first searches read segments and make tables of ids; no client should wait for that. Any
// query does, and so does any id.
void warm(const LiveIndex& index, const StopOptions& stop) {
  const Snapshot now = index.snapshot();
  const std::vector<float> row(now.dimension(), 1.0F);
  const MatrixView query = MatrixView::f32(row.data(), 1, row.size());
  const std::array<std::int64_t, 2> offsets = {0, 1};
  const std::array<std::int64_t, 1> ids = {0};
  SearchOptions options;
  options.stop = stop;
  options.filters.exclude = {offsets, ids};
  (void)now.search(query, 10, options);
}

LiveIndex open_warm(const std::string& folder, LiveAccess access, const StopOptions& stop) {
  LiveIndex index =
      access == LiveAccess::write ? LiveIndex::open(folder) : LiveIndex::open_read_only(folder);
  warm(index, stop);
  return index;
}

}  // namespace

bool is_live_folder(const std::string& path) {
  std::error_code failed;
  return std::filesystem::is_regular_file(manifest_of(path), failed);
}

std::string manifest_of(const std::string& folder) { return folder + "/manifest"; }

LiveModel::LiveModel(const std::string& folder, LiveAccess access, const BatcherOptions& options,
                     const StopOptions& stop)
    : access_(access), index_(open_warm(folder, access, stop)), batcher_(index_, options) {}

ModelInfo LiveModel::info() const {
  const Snapshot now = index_.snapshot();
  const IndexInfo index = now.info();
  return {std::to_string(now.version()), index.items, index.dimension, index.metric, index.bytes};
}

void LiveModel::submit(const MatrixView& queries, std::size_t k, const RequestOptions& options,
                       Done done) {
  // The batch asks the newest version when it begins, which is this one or a later one.
  std::string version = std::to_string(index_.snapshot().version());
  batcher_.submit(
      queries, k,
      [done = std::move(done), version = std::move(version)](
          SearchResult&& result, const Error* error) { done(std::move(result), version, error); },
      options);
}

void LiveModel::reload(const std::string&, const StopOptions&) {
  if (access_ == LiveAccess::read) {
    (void)index_.refresh();
  } else {
    // Who writes has the newest version always, but a change of nothing tells whose folder it is.
    (void)index_.remove({});
  }
}

}  // namespace maxdot::server
