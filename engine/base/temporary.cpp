#include "base/temporary.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/path_errors.hpp"
#include "base/system_call.hpp"

namespace maxdot::base {
namespace {

constexpr std::string_view kPrefix = ".maxdot-";
constexpr std::string_view kSuffix = ".tmp";

// The name does not hold the target's, which may already be as long as a name can be. It may be
// taken: by a dead process, or by one of another container that has the same id.
std::string next_name(const std::string& folder) {
  static std::atomic<std::uint64_t> counter{0};
  std::string name = folder + "/";
  name += kPrefix;
  return name + std::to_string(::getpid()) + "-" + std::to_string(counter++) + std::string(kSuffix);
}

bool is_temporary_name(std::string_view name) noexcept {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
      name.size() < kPrefix.size() + kSuffix.size())
    return false;
  name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  const std::size_t dash = name.find('-');
  constexpr std::string_view digits = "0123456789";
  return dash != 0 && dash != std::string_view::npos && dash + 1 < name.size() &&
         name.find_first_not_of(digits) == dash &&
         name.find_first_not_of(digits, dash + 1) == std::string_view::npos;
}

void close_descriptor(int& fd) noexcept {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

bool lock(int fd, int kind) noexcept {
  return uninterrupted([&] { return ::flock(fd, kind | LOCK_NB); }) == 0;
}

/// How linkat names a file that has no name.
std::string link_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

/// A file without a name that can be given one later, or -1.
int open_nameless(const std::string& folder, mode_t mode) {
  int fd =
      uninterrupted([&] { return ::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, mode); });
  // Without /proc it would stay without a name.
  struct stat status {};
  struct stat linked {};
  if (fd >= 0 && (::fstat(fd, &status) != 0 || ::stat(link_of(fd).c_str(), &linked) != 0 ||
                  status.st_ino != linked.st_ino || status.st_dev != linked.st_dev)) {
    close_descriptor(fd);
  }
  return fd;
}

/// Whether a file that was made under `name` is ours: between the making and the lock another
/// process may have taken it for a dead one's. A filesystem without locks lets nobody lock it.
bool lock_own(int fd) noexcept {
  if (!lock(fd, LOCK_EX) && errno == EWOULDBLOCK) return false;
  struct stat status {};
  return ::fstat(fd, &status) != 0 || status.st_nlink != 0;
}

void reclaim(int folder, const char* name) noexcept {
  struct stat found {};
  if (::fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(found.st_mode)) return;
  if (found.st_uid != ::geteuid() && ::geteuid() != 0) return;
  // NFS locks only what is open for writing.
  constexpr int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int fd = uninterrupted([&] { return ::openat(folder, name, O_RDWR | flags); });
  if (fd < 0) fd = uninterrupted([&] { return ::openat(folder, name, O_RDONLY | flags); });
  if (fd < 0) return;
  struct stat locked {};
  // Nobody else removes or replaces the name while we hold the lock of the file that it leads to.
  if (lock(fd, LOCK_EX) && ::fstat(fd, &locked) == 0 &&
      ::fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && locked.st_ino == found.st_ino &&
      locked.st_dev == found.st_dev) {
    ::unlinkat(folder, name, 0);
  }
  close_descriptor(fd);
}

}  // namespace

Temporary::Temporary(const std::string& folder, mode_t mode, const std::string& path)
    : folder_(folder) {
  fd_ = open_nameless(folder, mode);
  if (fd_ >= 0) {
    lock(fd_, LOCK_EX);
    return;
  }
  for (;;) {
    name_ = next_name(folder);
    fd_ = uninterrupted(
        [&] { return ::open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
    if (fd_ < 0 && errno == EEXIST) continue;
    if (fd_ < 0) fail_errno(path, "cannot create a temporary file beside it", errno);
    if (lock_own(fd_)) return;
    close_descriptor(fd_);
  }
}

Temporary Temporary::named(const std::string& name, mode_t mode, const std::string& path) {
  Temporary file;
  file.kept_ = true;  // until it is ours
  file.name_ = name;
  for (;;) {
    constexpr int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    file.fd_ = uninterrupted([&] { return ::open(name.c_str(), flags, mode); });
    if (file.fd_ < 0) fail_errno(path, "cannot open '" + name + "' to write it", errno);
    struct stat opened {};
    if (::fstat(file.fd_, &opened) != 0 || !S_ISREG(opened.st_mode))
      fail(path, "cannot be written by way of '" + name + "', which is not a file; remove that");
    if (!lock(file.fd_, LOCK_EX) && errno == EWOULDBLOCK) {
      fail(path, "is written by another process, which has '" + name +
                     "' open; let it finish, or name another file");
    }
    // Whoever had the lock before may have renamed or removed what was opened here.
    struct stat found {};
    if (::lstat(name.c_str(), &found) == 0 && found.st_ino == opened.st_ino &&
        found.st_dev == opened.st_dev) {
      file.kept_ = false;
      return file;
    }
    close_descriptor(file.fd_);
  }
}

Temporary::Temporary(Temporary&& other) noexcept
    : folder_(std::move(other.folder_)),
      name_(std::exchange(other.name_, std::string())),
      fd_(std::exchange(other.fd_, -1)),
      kept_(other.kept_) {}

Temporary& Temporary::operator=(Temporary&& other) noexcept {
  if (this != &other) {
    discard();
    folder_ = std::move(other.folder_);
    name_ = std::exchange(other.name_, std::string());
    fd_ = std::exchange(other.fd_, -1);
    kept_ = other.kept_;
  }
  return *this;
}

Temporary::~Temporary() { discard(); }

int Temporary::give_name() {
  if (!name_.empty()) return 0;
  const std::string link = link_of(fd_);
  for (;;) {
    std::string name = next_name(folder_);
    if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      name_ = std::move(name);
      return 0;
    }
    if (errno != EEXIST) return errno;
  }
}

int Temporary::rename_to(const std::string& target) noexcept {
  if (::rename(name_.c_str(), target.c_str()) != 0) return errno;
  name_.clear();
  close_descriptor(fd_);
  return 0;
}

void Temporary::discard() noexcept {
  // The name first: without the lock another process may remove it, and a third make a new file of
  // this name.
  if (fd_ >= 0 && !name_.empty() && !kept_) ::unlink(name_.c_str());
  name_.clear();
  close_descriptor(fd_);
}

KeptFile::KeptFile(const std::string& folder, const std::string& target) : target_(target) {
  struct stat status {};
  // What cannot be looked at must not be removed.
  existed_ = ::lstat(target.c_str(), &status) == 0 || errno != ENOENT;
  if (!existed_) return;
  fd_ = uninterrupted(
      [&] { return ::open(target.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); });
  if (fd_ >= 0) lock(fd_, LOCK_SH);
  int error = EEXIST;
  while (error == EEXIST) {
    std::string name = next_name(folder);
    error = ::link(target.c_str(), name.c_str()) == 0 ? 0 : errno;
    if (error == 0) name_ = std::move(name);
  }
}

KeptFile::~KeptFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
  close_descriptor(fd_);
}

bool KeptFile::restore() noexcept {
  if (!existed_) return ::unlink(target_.c_str()) == 0 || errno == ENOENT;
  // Where both names still lead to one file this does nothing, and the destructor removes the
  // second.
  return !name_.empty() && ::rename(name_.c_str(), target_.c_str()) == 0;
}

void reclaim_temporaries(const std::string& folder) noexcept {
  DIR* list = ::opendir(folder.c_str());
  if (list == nullptr) return;
  while (const dirent* entry = ::readdir(list)) {
    if (is_temporary_name(entry->d_name)) reclaim(::dirfd(list), entry->d_name);
  }
  ::closedir(list);
}

}  // namespace maxdot::base
