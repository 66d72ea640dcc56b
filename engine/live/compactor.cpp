#include "live/compactor.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

#include "api/index_parts.hpp"
#include "base/host_signals.hpp"
#include "base/stop.hpp"
#include "live/manifest.hpp"
#include "live/merge_parts.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {
namespace {

// So many times fresh_items may have no codes before upserts wait for the thread.
constexpr std::size_t kMostFresh = 16;

// [bytes] A log of so many is ended: whoever opens the folder reads it. It has the room of some
// 2,000,000 removes, which take a second to read.
constexpr std::uint64_t kMostLogBytes = std::uint64_t{16} << 20;

// Segments are looked at again when such a part of all rows has died since.
constexpr std::size_t kDeadPart = 16;

// After a failure, such as a disk that is full; after each further one twice as long.
constexpr std::chrono::seconds kBeforeNextTry(1);
constexpr std::chrono::seconds kMostBeforeNextTry(64);

}  // namespace

Compactor::Compactor(const Folder& folder, const FolderLock& lock, const LiveOptions& options,
                     ChangeQueue& queue, std::uint64_t catalogue, std::uint64_t first_log,
                     std::uint64_t next_file)
    : folder_(folder),
      lock_(lock),
      catalogue_(catalogue),
      options_(options),
      queue_(queue),
      next_file_(next_file),
      first_log_(first_log) {
  if (options.compact_in_background) start();
}

Compactor::~Compactor() {
  closing_.cancel();
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    noticed_.notify_all();
    room_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Compactor::notice(const Load& load) noexcept {
  const std::lock_guard lock(mutex_);
  load_ = load;
  if (wants_flush() || wants_merge()) noticed_.notify_all();
  room_.notify_all();
}

void Compactor::clean() noexcept {
  const std::lock_guard lock(mutex_);
  clean_ = true;
  noticed_.notify_all();
}

// Both require the lock.
bool Compactor::wants_flush() const noexcept {
  return clean_ || load_.fresh_rows >= options_.fresh_items || load_.log_bytes >= kMostLogBytes;
}

bool Compactor::wants_merge() const noexcept {
  return load_.segments > merged_.segments ||
         load_.dead_rows > merged_.dead_rows + load_.rows / kDeadPart + options_.fresh_items;
}

void Compactor::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] {
    return !thread_.joinable() || ends_ || !error_.empty() ||
           load_.fresh_rows <= kMostFresh * options_.fresh_items;
  });
}

std::string Compactor::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void Compactor::start() {
  const base::SignalsLeftToHost masked;
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error&) {
    throw Error(ErrorCode::out_of_memory,
                "the system refuses a thread to a LiveIndex; allow the process more threads");
  }
}

void Compactor::work() {
  base::Stop stop({&closing_, 0.0, nullptr, nullptr}, nullptr);
  const base::StopOfThread scope(&stop);
  std::chrono::seconds pause = kBeforeNextTry;
  for (;;) {
    bool flushes = false;
    {
      std::unique_lock lock(mutex_);
      noticed_.wait(lock, [this] { return ends_ || wants_flush() || wants_merge(); });
      if (ends_) return;
      flushes = wants_flush();
      clean_ = false;
    }
    std::string error;
    try {
      const std::lock_guard lock(running_);
      if (flushes) flush();
      while (merge(false)) {
      }
    } catch (const std::exception& failure) {
      try {
        error = failure.what();
      } catch (const std::bad_alloc&) {
        error = "no memory";
      }
    }
    std::unique_lock lock(mutex_);
    error_.swap(error);
    merged_ = load_;
    if (error_.empty()) {
      pause = kBeforeNextTry;
      continue;
    }
    room_.notify_all();
    clean_ = true;  // to try again
    noticed_.wait_for(lock, pause, [this] { return ends_; });
    pause = std::min(2 * pause, kMostBeforeNextTry);
  }
}

void Compactor::run_all() {
  const std::lock_guard lock(running_);
  flush();
  while (merge(true)) {
  }
}

// The new items become a segment, and what the log says of them is no longer needed.
void Compactor::flush() {
  lock_.check(folder_);
  const std::uint64_t log = next_file();
  PickFresh pick(LogWriter::create(folder_.log(log), {catalogue_, log}));
  try {
    queue_.run(pick);
  } catch (const Error&) {
    if (!pick.done) Folder::remove(folder_.log(log));  // nobody writes to it
    throw;
  }
  replace(pick.sources, log);
}

// Returns whether anything was merged.
bool Compactor::merge(bool everything) {
  PickSegments pick({options_.fresh_items,
                     everything ? ~std::uint64_t{0} : options_.most_merge_bytes, everything});
  queue_.run(pick);
  if (pick.sources.parts.empty()) return false;
  return replace(pick.sources, first_log_) && !everything;
}

// The logs before `first_log` are not needed once the sources are one segment. Returns whether they
// are: not if the catalogue was replaced meanwhile.
bool Compactor::replace(const Sources& sources, std::uint64_t first_log) {
  Gathered gathered = gather(sources);
  std::shared_ptr<Segment> merged;
  std::string path;
  if (!gathered.ids.empty()) {
    const std::uint64_t number = next_file();
    path = folder_.segment(number);
    BuildOptions build;
    build.metric = sources.shape.metric;
    build.normalize = sources.shape.normalized;
    build.ids = gathered.ids;
    build.threads = options_.compaction_threads;
    (void)Index::build(std::move(gathered.rows), build).save(path);
    merged = std::make_shared<Segment>(Index::open(path), number);
    merged->prepare_to_find();
  }
  Swap swap(sources, gathered, std::move(merged));
  queue_.run(swap);
  if (!swap.done) {
    Folder::remove(path);
    return false;
  }
  first_log_ = first_log;
  write(swap);
  compactions_.fetch_add(1);
  return true;
}

void Compactor::write(Swap& swap) {
  retired_.insert(retired_.end(), swap.retired.begin(), swap.retired.end());
  swap.manifest.catalogue = catalogue_;
  swap.manifest.first_log = first_log_;
  lock_.check(folder_);
  write_manifest(swap.manifest, folder_.manifest());
  for (const std::uint64_t log : folder_.logs()) {
    if (log < first_log_) Folder::remove(folder_.log(log));
  }
  // A record in a log that is still read may name a segment.
  const auto kept = std::partition(retired_.begin(), retired_.end(),
                                   [&](const Retired& one) { return one.log >= first_log_; });
  for (auto one = kept; one != retired_.end(); ++one) Folder::remove(folder_.segment(one->number));
  retired_.erase(kept, retired_.end());
}

}  // namespace maxdot::live
