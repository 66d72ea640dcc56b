// Compactor: makes segments of new items and merges segments, on a thread of its own or when told
// to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "live/change_queue.hpp"
#include "live/compaction.hpp"
#include "live/folder.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/stop.hpp"

namespace maxdot::live {

/// What tells whether there is something to compact.
struct Load {
  std::size_t rows = 0;
  std::size_t fresh_rows = 0;  ///< without codes
  std::size_t dead_rows = 0;
  std::size_t segments = 0;
  std::uint64_t log_bytes = 0;  ///< of the newest log
};

class Compactor {
 public:
  /// `catalogue`, `first_log`: those of the manifest. `next_file`: no file of the folder has this
  /// number or a larger one.
  Compactor(const Folder& folder, const FolderLock& lock, const LiveOptions& options,
            ChangeQueue& queue, std::uint64_t catalogue, std::uint64_t first_log,
            std::uint64_t next_file);
  Compactor(const Compactor&) = delete;
  Compactor& operator=(const Compactor&) = delete;
  /// Ends the thread. What it has not finished is done when the folder is open again.
  ~Compactor();

  /// A number for a new file.
  std::uint64_t next_file() noexcept { return next_file_.fetch_add(1); }

  /// Told of each version.
  void notice(const Load& load) noexcept;
  /// The catalogue was replaced: what is left of the one before is to be removed.
  void clean() noexcept;
  /// Waits while much more has no codes than may, as long as the thread makes progress.
  void wait_for_room();

  /// One segment of everything. Throws Error.
  void run_all();

  std::uint64_t compactions() const noexcept { return compactions_.load(); }
  std::string error() const;

 private:
  void start();
  bool wants_flush() const noexcept;
  bool wants_merge() const noexcept;
  void work();
  void flush();
  bool merge(bool everything);
  bool replace(const Sources& sources, std::uint64_t first_log);
  void write(Swap& swap);

  const Folder& folder_;
  const FolderLock& lock_;
  const std::uint64_t catalogue_;
  const LiveOptions options_;
  ChangeQueue& queue_;
  std::atomic<std::uint64_t> next_file_;
  std::atomic<std::uint64_t> compactions_ = 0;
  Cancellation closing_;

  std::mutex running_;  // one compaction at a time
  // Under it:
  std::uint64_t first_log_;
  std::vector<Retired> retired_;

  mutable std::mutex mutex_;
  // Under this one:
  std::condition_variable noticed_;
  std::condition_variable room_;
  Load load_;
  Load merged_;  // when segments were merged last
  bool clean_ = false;
  bool ends_ = false;
  std::string error_;

  std::thread thread_;
};

}  // namespace maxdot::live
