#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include "base/folder.hpp"
#include "base/path_errors.hpp"
#include "base/system_call.hpp"
#include "maxdot/error.hpp"

namespace maxdot::base {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t write_buffer_bytes = std::size_t{1} << 20;
constexpr std::size_t call_bytes = std::size_t{1}
                                   << 30;  // one system call moves at most about 2 GiB

// What `path` leads to, also when the last link points to a file that does not exist yet (where
// realpath and weakly_canonical give up).
fs::path follow_links(const std::string& path) {
  fs::path target(path);
  for (int links = 0; links < 40; ++links) {
    std::error_code error;
    const fs::path next = fs::read_symlink(target, error);
    if (error) return target;  // not a link
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  fail_errno(path, "cannot follow the link", ELOOP);
}

/// While it lives, no other thread or process that takes this lock of the folder goes on. Best
/// effort: a folder that cannot be read, or a filesystem without locks, has none.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder) noexcept
      : fd_(uninterrupted(
            [&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); })) {
    if (fd_ >= 0) static_cast<void>(uninterrupted([&] { return ::flock(fd_, LOCK_EX); }));
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

/// The mode for a file that replaces one of this mode. Without the old group its members are others
/// now, and the new group's were; without the old owner the same holds for that one. Nobody may do
/// more than before.
mode_t narrowed(mode_t mode, bool same_owner, bool same_group) noexcept {
  const mode_t owner = mode >> 6 & 7;
  mode_t group = mode >> 3 & 7;
  mode_t others = mode & 7;
  if (!same_group) group = others = group & others;
  if (!same_owner) {
    group &= owner;
    others &= owner;
  }
  return owner << 6 | group << 3 | others;
}

// Best effort: filesystems without owners and modes refuse, and what they leave is no wider than
// what they were asked for.
void take_over_owner(int fd, const struct stat& old) noexcept {
  const bool owned = ::fchown(fd, old.st_uid, old.st_gid) == 0;
  // One may give a file to a group of one's own.
  [[maybe_unused]] const bool grouped =
      owned || ::fchown(fd, static_cast<uid_t>(-1), old.st_gid) == 0;
  struct stat now {};
  if (::fstat(fd, &now) != 0) return;
  static_cast<void>(
      ::fchmod(fd, narrowed(old.st_mode, now.st_uid == old.st_uid, now.st_gid == old.st_gid)));
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  check_path(path_);
  file_entry(path_, "write it", [this] { open(); });
}

AtomicFile AtomicFile::resume(std::string path, std::uint64_t kept, std::uint64_t total) {
  AtomicFile file;
  file.path_ = std::move(path);
  check_path(file.path_);
  file_entry(file.path_, "write it", [&] { file.reopen(kept, total); });
  return file;
}

bool AtomicFile::look_at_target(struct stat& old) {
  const bool exists = ::stat(path_.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) fail_errno(path_, "cannot write", errno);
  if (exists && S_ISDIR(old.st_mode))
    fail_as(path_, "is a directory; name a file to write", EISDIR);
  if (exists && !S_ISREG(old.st_mode))
    fail(path_, "is not a regular file; name another file to write");

  const fs::path target = follow_links(path_);
  if (!target.has_filename()) fail(path_, "names no file; name a file to write");
  target_ = target.string();
  folder_ = folder_of(target.string());
  std::error_code error;
  if (!fs::is_directory(folder_, error)) {
    if (error && error != std::errc::no_such_file_or_directory)
      fail_errno(path_, "cannot write in the folder '" + folder_ + "'", error.value());
    fail_as(path_, "cannot write: the folder '" + folder_ + "' does not exist; create it first",
            ENOENT);
  }
  return exists;
}

void AtomicFile::open() {
  struct stat old {};
  const bool exists = look_at_target(old);
  buffer_.reset(new unsigned char[write_buffer_bytes]);
  reclaim_temporaries(folder_);
  temporary_ = Temporary(folder_, exists ? 0600 : 0666, path_);
  // A private file must not become readable by being replaced, nor its owner lose it.
  if (exists) take_over_owner(temporary_.descriptor(), old);
}

void AtomicFile::reopen(std::uint64_t kept, std::uint64_t total) {
  struct stat old {};
  const bool exists = look_at_target(old);
  buffer_.reset(new unsigned char[write_buffer_bytes]);
  reclaim_temporaries(folder_);
  const std::string partial = target_ + ".partial";
  temporary_ = Temporary::named(partial, exists ? 0600 : 0666, path_);
  if (kept > 0) temporary_.keep();
  if (exists) take_over_owner(temporary_.descriptor(), old);
  struct stat found {};
  if (::fstat(temporary_.descriptor(), &found) != 0) fail_errno(path_, "cannot write", errno);
  if (static_cast<std::uint64_t>(found.st_size) < kept) {
    fail(path_, "cannot be continued: '" + partial + "' holds " + std::to_string(found.st_size) +
                    " bytes, fewer than the " + std::to_string(kept) +
                    " that were written; begin anew");
  }
  if (uninterrupted(
          [&] { return ::ftruncate(temporary_.descriptor(), static_cast<off_t>(kept)); }) != 0)
    fail_errno(path_, "cannot cut '" + partial + "'", errno);
  // A filesystem that cannot reserve says so otherwise, and is left to find out.
  const int reserved = total == 0 ? 0 : uninterrupted([&] {
    return ::fallocate(temporary_.descriptor(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(total));
  });
  if (reserved != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
    fail_errno(path_, "cannot reserve " + std::to_string(total) + " bytes for it", errno);
  }
  written_ = kept;
}

void AtomicFile::sync() {
  require_open();
  flush();
  int error = sync_descriptor(temporary_.descriptor());
  // Its name, too: whoever goes on finds the file by it.
  if (error == 0 && !name_synced_) error = sync_folder(folder_);
  if (error == 0) {
    name_synced_ = true;
    return temporary_.keep();
  }
  temporary_.discard();
  fail_errno(path_, "cannot write (an older file of this name is unchanged)", error);
}

void AtomicFile::require_open() const {
  if (temporary_.descriptor() < 0) {
    fail(path_, "is no longer being written: it was committed, or an earlier write failed");
  }
}

// A hole in the file would be worse than no file, so the first failure ends the whole attempt.
void AtomicFile::put(std::uint64_t offset, const unsigned char* data, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t done = uninterrupted([&] {
      return ::pwrite(temporary_.descriptor(), data, std::min(bytes, call_bytes),
                      static_cast<off_t>(offset));
    });
    if (done <= 0) {
      const int error = done < 0 ? errno : ENOSPC;
      temporary_.discard();
      fail_errno(path_, "cannot write (an older file of this name is unchanged)", error);
    }
    const auto n = static_cast<std::size_t>(done);
    data += n;
    offset += n;
    bytes -= n;
  }
}

void AtomicFile::flush() {
  put(written_ - buffered_, buffer_.get(), buffered_);
  buffered_ = 0;
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  require_open();
  if (bytes == 0) return;
  if (bytes > write_buffer_bytes - buffered_) flush();
  if (bytes > write_buffer_bytes) {
    put(written_, static_cast<const unsigned char*>(data), bytes);
  } else {
    std::memcpy(buffer_.get() + buffered_, data, bytes);
    buffered_ += bytes;
  }
  written_ += bytes;
}

void AtomicFile::extend(std::uint64_t bytes) {
  require_open();
  if (bytes <= written_) return;
  flush();
  const bool representable = bytes <= static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  const int done = uninterrupted([&] {
    errno = EFBIG;
    return representable ? ::ftruncate(temporary_.descriptor(), static_cast<off_t>(bytes)) : -1;
  });
  if (done != 0) {
    const int error = errno;
    temporary_.discard();
    fail_errno(path_, "cannot write (an older file of this name is unchanged)", error);
  }
  written_ = bytes;
}

void AtomicFile::write_at(std::uint64_t offset, const void* data, std::size_t bytes) {
  require_open();
  if (offset > written_ || bytes > written_ - offset) {
    throw Error(ErrorCode::invalid_argument,
                path_ + ": write_at reaches past the bytes written so far");
  }
  flush();
  put(offset, static_cast<const unsigned char*>(data), bytes);
}

void AtomicFile::prepare() {
  require_open();
  flush();
  int error = sync_descriptor(temporary_.descriptor());
  if (error == 0)
    error = file_entry(path_, "finish writing it", [this] { return temporary_.give_name(); });
  if (error == 0) return;
  temporary_.discard();
  fail_errno(path_, "cannot finish writing (an older file of this name is unchanged)", error);
}

void AtomicFile::publish() {
  const int error = temporary_.rename_to(target_);
  buffer_.reset();
  if (error == 0) return;
  temporary_.discard();
  fail_errno(path_, "cannot finish writing (an older file of this name is unchanged)", error);
}

void AtomicFile::require_synced(int error) const {
  if (error != 0) fail_errno(path_, "is written whole, but its folder could not be synced", error);
}

void AtomicFile::commit() {
  prepare();
  publish();
  require_synced(sync_folder(folder_));
}

void AtomicFile::commit_both(AtomicFile& first, AtomicFile& second) {
  if (first.target_ == second.target_) {
    throw Error(ErrorCode::invalid_argument,
                second.path_ + ": is the path of both files; give each its own");
  }
  first.prepare();
  second.prepare();
  file_entry(second.path_, "finish writing it", [&] {
    // Two writers of one pair take turns, or the ids of one could stand beside the scores of the
    // other.
    const FolderLock turn(first.folder_);
    KeptFile old_first(first.folder_, first.target_);
    KeptFile old_second(second.folder_, second.target_);
    if (old_second.existed() && ::unlink(second.target_.c_str()) != 0 && errno != ENOENT) {
      fail_errno(second.path_, "cannot remove the old file (both files are unchanged)", errno);
    }
    // On the disk too: the removal must not come after the renaming.
    const int removed = sync_folder(second.folder_);
    try {
      first.publish();
    } catch (const Error& error) {
      if (old_second.restore()) throw;
      throw Error(error.code(), std::string(error.what()) + "; '" + second.path_ + "' is removed")
          .about(first.path_);
    }
    const int first_synced = sync_folder(first.folder_);
    try {
      second.publish();
    } catch (const Error& error) {
      if (!old_first.restore()) {
        throw Error(error.code(),
                    std::string(error.what()) + "; '" + first.path_ + "' holds its new content");
      }
      if (old_second.restore()) throw;
      throw Error(error.code(), std::string(error.what()) + "; it is removed");
    }
    second.require_synced(removed);
    first.require_synced(first_synced);
    second.require_synced(sync_folder(second.folder_));
  });
}

}  // namespace maxdot::base
