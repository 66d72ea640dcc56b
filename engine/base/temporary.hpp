// Temporary: a file beside the one that it is to replace. Without a name while it is written, where
// the filesystem can do that, so that nothing stays when the process is killed.
#pragma once

#include <sys/types.h>

#include <string>

namespace maxdot::base {

/// Holds a lock (flock) on its file for as long as it lives: a hidden name without one is a dead
/// process's.
class Temporary {
 public:
  /// None.
  Temporary() noexcept = default;
  /// A new, empty file in `folder`, created with `mode`. Throws Error (io) that names `path`;
  /// std::bad_alloc.
  Temporary(const std::string& folder, mode_t mode, const std::string& path);
  /// The file `name`, which another process may have left; made with `mode` if it is not there.
  /// Throws Error (io) that names `path`, also while another process has it.
  static Temporary named(const std::string& name, mode_t mode, const std::string& path);
  Temporary(Temporary&& other) noexcept;
  Temporary& operator=(Temporary&& other) noexcept;
  /// Closes it and removes its name, unless it is kept.
  ~Temporary();

  /// -1 when it is closed.
  int descriptor() const noexcept { return fd_; }

  /// From here on it keeps its name and its bytes when this is destroyed or discarded. Requires a
  /// name.
  void keep() noexcept { kept_ = true; }

  /// Gives it a hidden name, if it has none. A file can be renamed over another, but not linked
  /// over one. From here to `rename_to` a killed process leaves it behind, for reclaim_temporaries.
  /// Returns 0 or errno. Throws std::bad_alloc.
  int give_name();
  /// Renames it, which must have a name, and closes it. Returns 0 or errno.
  int rename_to(const std::string& target) noexcept;
  void discard() noexcept;

 private:
  std::string folder_;
  std::string name_;  // empty: it has none
  int fd_ = -1;
  bool kept_ = false;
};

/// A second, hidden name of the file at `target`, if there is one, so that it can be put back.
/// Locked like a Temporary.
class KeptFile {
 public:
  /// Throws std::bad_alloc.
  KeptFile(const std::string& folder, const std::string& target);
  KeptFile(const KeptFile&) = delete;
  KeptFile& operator=(const KeptFile&) = delete;
  ~KeptFile();

  bool existed() const noexcept { return existed_; }
  /// Makes `target` what it was: the old file, or none. Returns whether that worked.
  bool restore() noexcept;

 private:
  std::string target_;
  std::string name_;  // empty: no second name
  bool existed_;
  int fd_ = -1;
};

/// Removes the temporaries in `folder` whose writers are dead. The lock decides, not the process id
/// in the name, which may have been given again or belong to another container. What cannot be
/// locked or removed is left alone.
void reclaim_temporaries(const std::string& folder) noexcept;

}  // namespace maxdot::base
