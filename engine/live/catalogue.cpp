#include "live/catalogue.hpp"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "api/index_parts.hpp"
#include "base/f16.hpp"
#include "base/folder.hpp"
#include "base/hash.hpp"
#include "base/path_errors.hpp"
#include "base/stop.hpp"
#include "base/temporary.hpp"
#include "live/changes.hpp"
#include "live/log.hpp"
#include "live/manifest.hpp"
#include "live/record.hpp"
#include "maxdot/error.hpp"
#include "maxdot/matrix.hpp"
#include "store/encode.hpp"

namespace maxdot::live {
namespace {

// A reader begins again when the writer has replaced files under it; so often, it would have to be
// slower than a compaction each time.
constexpr int kMostTries = 100;

Load load_of(const Version& version, std::uint64_t log_bytes) noexcept {
  Load load;
  load.log_bytes = log_bytes;
  for (const VisiblePart& visible : version.parts) {
    load.rows += visible.rows;
    load.dead_rows += visible.part->dead();
    if (visible.part->has_codes()) {
      ++load.segments;
    } else {
      load.fresh_rows += visible.rows;
    }
  }
  return load;
}

// Not a secret: it tells one catalogue from another that is made in the same folder later.
std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof(number), 0) == sizeof(number)) return number;
  return base::mix(
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()),
      base::process_secret());
}

// The process may go to another working folder.
std::string absolute(const std::string& path) {
  base::check_path(path);
  std::error_code error;
  std::string made = std::filesystem::absolute(path, error).string();
  if (error) base::fail_errno(path, "cannot find the working folder", error.value());
  return made;
}

/// The rows, packed, as the catalogue stores them.
Matrix as_stored(const MatrixView& rows, const Shape& shape) {
  Matrix packed(rows.rows, rows.cols, shape.dtype);
  auto* to = static_cast<unsigned char*>(packed.data());
  for (std::size_t r = 0; r < rows.rows; ++r, to += shape.row_bytes()) {
    if (rows.dtype == shape.dtype) {
      std::memcpy(to, rows.row(r), shape.row_bytes());
    } else {
      base::to_f32(rows.row(r), rows.dtype, rows.cols, reinterpret_cast<float*>(to));
    }
  }
  return packed;
}

}  // namespace

void Catalogue::create(const std::string& path, const Shape& shape) {
  const Folder folder(path);
  folder.make();
  const FolderLock lock(folder);
  folder.make();  // nobody has made another one meanwhile
  Manifest manifest;
  manifest.catalogue = random_number();
  (void)LogWriter::create(folder.log(kFirstLog), {manifest.catalogue, kFirstLog});
  manifest.shape = shape;
  manifest.first_log = kFirstLog;
  write_manifest(manifest, folder.manifest());
}

Catalogue::Catalogue(const std::string& folder, const LiveOptions& options, Mode mode)
    : folder_(absolute(folder)), options_(options) {
  if (mode == Mode::write) {
    open_to_write();
  } else {
    open_to_read();
  }
}

void Catalogue::open_to_write() {
  if (!base::exists(folder_.manifest())) {
    if (!base::exists(path()))
      base::fail_as(path(), "does not exist; make it with create of LiveIndex", ENOENT);
    throw Error(ErrorCode::io, path() +
                                   ": is no LiveIndex (it has no manifest); make one with "
                                   "create of LiveIndex");
  }
  lock_ = std::make_unique<FolderLock>(folder_);
  base::reclaim_temporaries(path());
  Recovered recovered = recover(folder_, options_.fresh_items);
  // What a killed writer has left: files that nothing names.
  std::uint64_t last = recovered.log;
  for (const std::uint64_t segment : folder_.segments()) {
    last = std::max(last, segment);
    const auto& named = recovered.segments;
    if (std::find(named.begin(), named.end(), segment) == named.end())
      Folder::remove(folder_.segment(segment));
  }
  for (const std::uint64_t log : folder_.logs()) {
    last = std::max(last, log);
    if (log < recovered.first_log) Folder::remove(folder_.log(log));
  }
  LogWriter log = LogWriter::go_on(folder_.log(recovered.log), {recovered.catalogue, recovered.log},
                                   recovered.log_bytes);
  queue_ = std::make_unique<ChangeQueue>(
      std::move(recovered.state), std::move(log), options_.durability,
      [this](std::shared_ptr<const Version> version, std::uint64_t log_bytes) {
        publish(std::move(version), log_bytes);
      });
  compactor_ = std::make_unique<Compactor>(folder_, *lock_, options_, *queue_, recovered.catalogue,
                                           recovered.first_log, last + 1);
  compactor_->notice(load_of(*version(), recovered.log_bytes));
}

void Catalogue::open_to_read() {
  std::uint64_t before = 0;
  for (int tries = 1;; ++tries) {
    try {
      read_.emplace(recover(folder_, options_.fresh_items, read_ ? &read_->state : nullptr));
      break;
    } catch (const Error&) {
      // Either the writer has removed a file that was about to be read, or it is an error.
      std::uint64_t now = 0;
      (void)read_manifest(folder_.manifest(), &now);
      if (now == before || tries == kMostTries) throw;
      before = now;
    }
  }
  read_->state.prepare_version();
  publish(read_->state.make_version(), 0);
}

bool Catalogue::refresh() {
  if (queue_ != nullptr) {
    throw Error(ErrorCode::invalid_argument,
                path() + ": is open for writing, which sees every change; refresh is for readers");
  }
  const std::lock_guard lock(refreshing_);
  const std::uint64_t before = version()->number;
  const std::uint64_t catalogue = read_->catalogue;
  std::uint64_t manifest = 0;
  (void)read_manifest(folder_.manifest(), &manifest);
  bool reads_on = manifest == read_->manifest_checksum;
  if (reads_on) {
    try {
      if (!read_on(folder_, *read_)) return false;
      read_->state.prepare_version();
      publish(read_->state.make_version(), 0);
    } catch (const Error&) {
      reads_on = false;  // the state may be half-way; or the manifest is another one now
    }
  }
  if (!reads_on) open_to_read();
  return version()->number != before || read_->catalogue != catalogue;
}

std::shared_ptr<const Version> Catalogue::version() const noexcept {
  const std::lock_guard lock(mutex_);
  return version_;
}

void Catalogue::publish(std::shared_ptr<const Version> version, std::uint64_t log_bytes) noexcept {
  const Load load = load_of(*version, log_bytes);
  {
    const std::lock_guard lock(mutex_);
    version_.swap(version);  // the one before ends, if at all, after the lock
  }
  if (compactor_ != nullptr) compactor_->notice(load);
}

void Catalogue::require_writable() const {
  if (queue_ == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                path() + ": is open read-only; open it with LiveIndex::open to change it");
  }
  // The log of a folder that was deleted can be written, but nobody will ever read it.
  lock_->check(folder_);
}

Change Catalogue::upsert(std::span<const std::int64_t> ids, const MatrixView& rows) {
  require_writable();
  const std::shared_ptr<const Version> now = version();
  const Shape& shape = now->shape;
  api::check_dimension(rows, "rows", shape.dimension);
  store::check_matrix(rows, "rows", 1);
  store::check_ids(ids, rows.rows);
  if (rows.dtype != shape.dtype && shape.dtype == DType::f16) {
    throw Error(ErrorCode::invalid_argument,
                "rows: are f32, but the catalogue stores f16; convert them, which rounds them");
  }
  if (ids.empty()) return {now->number, 0};
  Matrix packed = as_stored(rows, shape);
  if (ids.size() >= options_.fresh_items) return attach(ids, std::move(packed), shape);
  compactor_->wait_for_room();
  Upsert upsert(upsert_record(ids, static_cast<const unsigned char*>(packed.data()), shape), shape);
  queue_->run(upsert);
  return {upsert.version, ids.size()};
}

Change Catalogue::remove(std::span<const std::int64_t> ids) {
  require_writable();
  if (ids.empty()) return {version()->number, 0};
  Remove remove(remove_record(ids));
  queue_->run(remove);
  return {remove.version, remove.removed};
}

// So many that they are a segment at once.
Change Catalogue::attach(std::span<const std::int64_t> ids, Matrix&& rows, const Shape& shape) {
  BuildOptions build;
  build.metric = shape.metric;
  build.normalize = shape.normalized;
  build.ids = ids;
  std::shared_ptr<Segment> segment = saved(Index::build(std::move(rows), build));
  const std::uint64_t number = segment->number();
  Attach attach(RecordKind::attach, std::move(segment));
  try {
    queue_->run(attach);
  } catch (...) {
    // It may be in the log all the same, if that could not be synced: then it must stay.
    if (attach.version == 0) Folder::remove(folder_.segment(number));
    throw;
  }
  return {attach.version, ids.size()};
}

Change Catalogue::replace(const Index& index) {
  require_writable();
  // It may come from a file that nobody has verified, and is merged with others some day.
  const store::ItemStore& items = api::IndexParts::items_of(index);
  api::require_rows_in_memory(items, "LiveIndex::replace");
  store::check_matrix({items.rows, items.dtype, items.items, items.dimension, items.row_bytes()},
                      "index", 1);
  if (items.ids != nullptr) store::check_ids({items.ids, items.items}, items.items);
  std::shared_ptr<Segment> segment = saved(index);
  const std::uint64_t number = segment->number();
  Attach replace(RecordKind::replace, std::move(segment));
  try {
    queue_->run(replace);
  } catch (...) {
    if (replace.version == 0) Folder::remove(folder_.segment(number));
    throw;
  }
  replaces_.fetch_add(1);
  compactor_->clean();
  return {replace.version, index.size()};
}

// An index as a segment of the folder, mapped from its file.
std::shared_ptr<Segment> Catalogue::saved(const Index& index) {
  lock_->check(folder_);
  const std::uint64_t number = compactor_->next_file();
  const std::string path = folder_.segment(number);
  (void)index.save(path);
  auto segment = std::make_shared<Segment>(Index::open(path), number);
  segment->prepare_to_find();
  return segment;
}

void Catalogue::compact() {
  require_writable();
  compactor_->run_all();
}

LiveStats Catalogue::stats() const {
  const std::shared_ptr<const Version> now = version();
  LiveStats stats;
  stats.version = now->number;
  stats.items = now->items;
  for (const VisiblePart& visible : now->parts) {
    stats.dead_items += visible.part->dead();
    if (!visible.part->has_codes()) {
      stats.fresh_items += visible.rows;
      continue;
    }
    ++stats.segments;
    stats.segment_bytes += static_cast<const Segment&>(*visible.part).index().info().bytes;
  }
  std::error_code ignored;
  for (const std::uint64_t log : folder_.logs()) {
    const std::uintmax_t bytes = std::filesystem::file_size(folder_.log(log), ignored);
    if (!ignored) stats.log_bytes += bytes;
  }
  if (compactor_ != nullptr) {
    stats.compactions = compactor_->compactions();
    stats.compaction_error = compactor_->error();
  }
  stats.replaces = replaces_.load();
  return stats;
}

}  // namespace maxdot::live
