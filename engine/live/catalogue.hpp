// Catalogue: what a LiveIndex holds: a folder, its newest version, and, for the writer, the queue
// of changes and the compactor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "live/change_queue.hpp"
#include "live/compactor.hpp"
#include "live/folder.hpp"
#include "live/recovery.hpp"
#include "live/version.hpp"
#include "maxdot/live_index.hpp"

namespace maxdot::live {

/// Every member but constructors and the destructor may be called from any number of threads. They
/// throw Error, std::bad_alloc.
class Catalogue {
 public:
  enum class Mode : std::uint8_t { write, read };

  /// Makes a folder that can be opened.
  static void create(const std::string& folder, const Shape& shape);

  Catalogue(const std::string& folder, const LiveOptions& options, Mode mode);

  const std::string& path() const noexcept { return folder_.path(); }
  std::shared_ptr<const Version> version() const noexcept;

  Change upsert(std::span<const std::int64_t> ids, const MatrixView& rows);
  Change remove(std::span<const std::int64_t> ids);
  Change replace(const Index& index);
  bool refresh();
  void compact();
  LiveStats stats() const;

 private:
  void open_to_write();
  void open_to_read();
  void publish(std::shared_ptr<const Version> version, std::uint64_t log_bytes) noexcept;
  void require_writable() const;
  Change attach(std::span<const std::int64_t> ids, Matrix&& rows, const Shape& shape);
  std::shared_ptr<Segment> saved(const Index& index);

  const Folder folder_;
  const LiveOptions options_;
  std::atomic<std::uint64_t> replaces_ = 0;

  mutable std::mutex mutex_;
  std::shared_ptr<const Version> version_;  // under it

  // To read:
  std::mutex refreshing_;
  std::optional<Recovered> read_;  // under it

  // To write, in this order:
  std::unique_ptr<FolderLock> lock_;
  std::unique_ptr<ChangeQueue> queue_;
  std::unique_ptr<Compactor> compactor_;
};

}  // namespace maxdot::live
