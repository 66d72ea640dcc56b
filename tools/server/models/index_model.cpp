#include "server/models/index_model.hpp"

#include <array>
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "maxdot/index.hpp"

namespace maxdot::server {
namespace {

// The first searches of an index read its file and make its table of ids; no client should wait for
// that. The table is made for the first list of ids, which the item's own id stands for.
void warm(const Index& index, const StopOptions& stop) {
  if (index.size() == 0) return;
  std::vector<float> row(index.dimension());
  index.item_row(0, row.data());
  const MatrixView query = MatrixView::f32(row.data(), 1, row.size());
  const std::array<std::int64_t, 2> offsets = {0, 1};
  const std::array<std::int64_t, 1> ids = {index.item_id(0)};
  SearchOptions options;
  options.stop = stop;
  (void)index.search(query, 10, options);
  options.filters.exclude = {offsets, ids};
  (void)index.search(query, 10, options);
}

// `path` may have been written by anybody: whatever the format promises is checked, which also
// reads the file into the memory that searches use.
Index open_warm(const std::string& path, Load load, int threads, const StopOptions& stop) {
  OpenOptions open;
  open.load = load;
  open.verify_payload = true;
  open.threads = threads;
  open.stop = stop;
  Index index = Index::open(path, open);
  warm(index, stop);
  return index;
}

std::string version_of(const Index& index) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx",
                static_cast<unsigned long long>(index.info().checksum));
  return text.data();
}

}  // namespace

IndexModel::IndexModel(const std::string& path, Load load, const BatcherOptions& options,
                       const StopOptions& stop)
    : threads_(options.threads),
      load_(load),
      batcher_(open_warm(path, load_, threads_, stop), options),
      version_(version_of(batcher_.index())) {}

std::shared_lock<std::shared_mutex> IndexModel::share() const {
  const std::lock_guard arrive(arriving_);
  return std::shared_lock(replacing_);
}

ModelInfo IndexModel::info() const {
  const std::shared_lock lock = share();
  const IndexInfo index = batcher_.index().info();
  return {version_, index.items, index.dimension, index.metric, index.bytes};
}

void IndexModel::submit(const MatrixView& queries, std::size_t k, const RequestOptions& options,
                        Done done) {
  const std::shared_lock lock = share();
  batcher_.submit(
      queries, k,
      [done = std::move(done), version = version_](SearchResult&& result, const Error* error) {
        done(std::move(result), version, error);
      },
      options);
}

void IndexModel::reload(const std::string& path, const StopOptions& stop) {
  const Index index = open_warm(path, load_, threads_, stop);
  std::string version = version_of(index);
  const std::lock_guard arrive(arriving_);
  const std::unique_lock lock(replacing_);
  batcher_.replace(index);
  version_.swap(version);
}

}  // namespace maxdot::server
