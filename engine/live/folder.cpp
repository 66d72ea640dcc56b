#include "live/folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/path_errors.hpp"
#include "base/system_call.hpp"
#include "base/temporary.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSegment = "segment-";
constexpr const char* kSegmentEnd = ".maxdot";
constexpr const char* kLog = "log-";
constexpr const char* kLock = "lock";

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
std::vector<std::uint64_t> Folder::numbers(const std::string& prefix,
                                           const std::string& suffix) const {
  std::vector<std::uint64_t> found;
  std::error_code error;
  fs::directory_iterator entries(path_, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    std::string_view digits = name;
    if (!digits.starts_with(prefix) || !digits.ends_with(suffix)) continue;
    digits.remove_prefix(prefix.size());
    digits.remove_suffix(std::min(suffix.size(), digits.size()));
    std::uint64_t number = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, bad] = std::from_chars(digits.data(), end, number);
    if (bad == std::errc() && stop == end && std::to_string(number) == digits)
      found.push_back(number);
  }
  if (error) base::fail_errno(path_, "cannot list the folder", error.value());
  std::sort(found.begin(), found.end());
  return found;
}

void Folder::make() const {
  base::check_path(path_);
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) base::fail_errno(path_, "cannot make the folder", error.value());
  base::reclaim_temporaries(path_);
  // The manifest comes last: without it nobody has used the log.
  const std::string first_log = fs::path(log(kFirstLog)).filename().string();
  fs::directory_iterator entries(path_, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (name == kLock || name == first_log) continue;
    throw Error(ErrorCode::invalid_argument,
                path_ + ": is not empty (it holds '" + name +
                    "'); create a LiveIndex in a new folder, or open the one that is there");
  }
  if (error) base::fail_errno(path_, "cannot list the folder", error.value());
}

void Folder::remove(const std::string& path) noexcept { static_cast<void>(::unlink(path.c_str())); }

FolderLock::FolderLock(const Folder& folder) {
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

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace maxdot::live
