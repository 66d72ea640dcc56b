// AtomicFile: a file that appears whole or not at all. POSIX.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/temporary.hpp"

namespace maxdot::base {

/// Writes beside `path` (temporary.hpp), then `commit` syncs file and folder and renames. Without
/// commit the destructor removes the temporary; `path` is never damaged. A link stays a link: what
/// it points to is replaced. Owner, group and mode stay those of the replaced file; where the
/// system refuses the owner or the group, the mode permits nobody more than before. After a failed
/// write the temporary is gone and every later call fails too.
class AtomicFile {
 public:
  /// Removes what killed writers left in the folder. Throws Error: io, out_of_memory,
  /// invalid_argument (a NUL in the path).
  explicit AtomicFile(std::string path);
  /// One that another process may go on with. Its temporary is `path` + ".partial", and once `sync`
  /// was called it stays without a commit. Keeps its first `kept` bytes, and reserves the
  /// disk for `total` of them where the filesystem can do that. Throws Error: io (also: another
  /// process writes it, fewer than `kept` bytes are there, the disk has not the space),
  /// out_of_memory, invalid_argument.
  static AtomicFile resume(std::string path, std::uint64_t kept, std::uint64_t total);
  AtomicFile(AtomicFile&& other) noexcept = default;
  AtomicFile& operator=(AtomicFile&& other) noexcept = default;

  /// Appends. Throws Error (io) naming the path: disk full, quota, ...
  void write(const void* data, std::size_t bytes);
  /// Makes the file at least this long: what nobody writes is zeros. Throws Error (io).
  void extend(std::uint64_t bytes);
  /// Overwrites bytes already written, or extended over (a header whose checksums come last).
  /// Throws Error (io).
  void write_at(std::uint64_t offset, const void* data, std::size_t bytes);
  std::uint64_t written() const noexcept { return written_; }
  /// What was written is on the disk, under its name, and stays there, when this returns. Requires
  /// a file of `resume`. Throws Error (io).
  void sync();
  /// Throws Error: io, out_of_memory. Only if the message says "is written whole" has the file been
  /// replaced.
  void commit();

  /// Commits two files that belong together, such that nobody who opens both paths, whenever the
  /// process or the machine stops, finds one new beside the other old: both are synced first, then
  /// the old second is removed, then the first is renamed, then the second. In between the second
  /// is missing. After a failure both are what they were; where that cannot be done, the message
  /// says so. Throws Error: io, out_of_memory.
  static void commit_both(AtomicFile& first, AtomicFile& second);

 private:
  AtomicFile() = default;
  /// Finds out what is replaced, and whether it is there. Throws Error (io).
  bool look_at_target(struct stat& old);
  void open();
  void reopen(std::uint64_t kept, std::uint64_t total);
  void require_open() const;
  void flush();
  void put(std::uint64_t offset, const unsigned char* data, std::size_t bytes);
  /// Does all that may fail but the renaming.
  void prepare();
  /// Renames. Throws Error (io).
  void publish();
  /// Throws Error (io) unless the syncing of its folder returned 0.
  void require_synced(int error) const;

  std::string path_;    // as the caller names it, for messages
  std::string target_;  // path_ with links followed: what is replaced
  std::string folder_;
  Temporary temporary_;
  bool name_synced_ = false;
  std::uint64_t written_ = 0;
  std::unique_ptr<unsigned char[]>
      buffer_;  // the last buffered_ of the written_ bytes, not yet in the file
  std::size_t buffered_ = 0;
};

}  // namespace maxdot::base
