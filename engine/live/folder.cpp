#include "live/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>
#include <system_error>

#include "base/folder.hpp"
#include "base/path_errors.hpp"
#include "base/system_call.hpp"
#include "base/temporary.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {
namespace {

constexpr const char* kSegment = "segment-";
constexpr const char* kSegmentEnd = ".maxdot";
constexpr const char* kLog = "log-";
constexpr const char* kLock = "lock";
// No catalogue gets so far; a larger one is no file of ours.
constexpr std::uint64_t kMostNumber = std::uint64_t{1} << 62;

/// Calls visit(name) for each entry of the folder. (The standard's iterator ends the process when
/// memory runs out.) Throws Error (io), and what `visit` throws.
template <typename Visit>
void for_each_name(const std::string& path, Visit&& visit) {
  DIR* opened = nullptr;
  do {
    opened = ::opendir(path.c_str());
  } while (opened == nullptr && errno == EINTR);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(opened, ::closedir);
  if (list == nullptr) base::fail_errno(path, "cannot list the folder", errno);
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(list.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") visit(name);
  }
  if (errno != 0) base::fail_errno(path, "cannot list the folder", errno);
}

}  // namespace

std::string Folder::segment(std::uint64_t number) const {
  return path_ + "/" + kSegment + std::to_string(number) + kSegmentEnd;
}

std::string Folder::log(std::uint64_t number) const {
  return path_ + "/" + kLog + std::to_string(number);
}

std::vector<std::uint64_t> Folder::segments() const { return numbers(kSegment, kSegmentEnd); }
std::vector<std::uint64_t> Folder::logs() const { return numbers(kLog, ""); }

// In ascending order. Other files are left alone.
std::vector<std::uint64_t> Folder::numbers(std::string_view prefix, std::string_view suffix) const {
  std::vector<std::uint64_t> found;
  for_each_name(path_, [&](std::string_view name) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) return;
    name.remove_prefix(prefix.size());
    name.remove_suffix(std::min(suffix.size(), name.size()));
    std::uint64_t number = 0;
    const char* end = name.data() + name.size();
    const auto [stop, bad] = std::from_chars(name.data(), end, number);
    if (bad == std::errc() && stop == end && number <= kMostNumber &&
        std::to_string(number) == name)
      found.push_back(number);
  });
  std::sort(found.begin(), found.end());
  return found;
}

void Folder::make() const {
  base::check_path(path_);
  base::make_folders(path_);
  base::reclaim_temporaries(path_);
  // The manifest comes last: without it nobody has used the log.
  const std::string first_log = kLog + std::to_string(kFirstLog);
  for_each_name(path_, [&](std::string_view name) {
    if (name == kLock || name == first_log) return;
    throw Error(ErrorCode::invalid_argument,
                path_ + ": is not empty (it holds '" + std::string(name) +
                    "'); create a LiveIndex in a new folder, or open the one that is there");
  });
}

void Folder::remove(const std::string& path) noexcept { static_cast<void>(::unlink(path.c_str())); }

FolderLock::FolderLock(const Folder& folder) : process_(::getpid()) {
  const std::string path = folder.path() + "/" + kLock;
  base::check_path(path);
  fd_ =
      base::uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666); });
  if (fd_ < 0) base::fail_errno(folder.path(), "cannot open the folder for writing", errno);
  if (base::uninterrupted([&] { return ::flock(fd_, LOCK_EX | LOCK_NB); }) == 0) return;
  const int error = errno;
  ::close(fd_);
  if (error == EWOULDBLOCK) {
    base::fail(folder.path(),
               "is open for writing already, here or in another process; one at a time may write, "
               "others open it read-only");
  }
  base::fail_errno(folder.path(), "cannot lock the folder", error);
}

void FolderLock::check(const Folder& folder) const {
  const std::string path = folder.path() + "/" + kLock;
  struct stat own {};
  struct stat there {};
  const bool found = ::fstat(fd_, &own) == 0 && ::stat(path.c_str(), &there) == 0;
  if (!found && errno != ENOENT && errno != ENOTDIR)
    base::fail_errno(folder.path(), "cannot look at its lock", errno);
  if (found && own.st_dev == there.st_dev && own.st_ino == there.st_ino) return;
  base::fail(folder.path(),
             "is not the folder that was opened (it was moved or made anew, or its lock removed); "
             "open it again");
}

FolderLock::~FolderLock() {
  if (fd_ < 0) return;
  // A child has the descriptor, too, if only until it calls exec, and with it the lock. So it must
  // be given back, not just closed; but not by the child.
  if (::getpid() == process_) static_cast<void>(::flock(fd_, LOCK_UN));
  ::close(fd_);
}

}  // namespace maxdot::live
