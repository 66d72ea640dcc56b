#include "base/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/path_errors.hpp"
#include "base/system_call.hpp"

namespace maxdot::base {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

int sync_descriptor(int fd) noexcept {
  return uninterrupted([&] { return ::fsync(fd); }) == 0 ? 0 : errno;
}

int sync_folder(const std::string& folder) noexcept {
  const int fd =
      uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return errno == EACCES ? 0 : errno;
  const int error = sync_descriptor(fd);
  ::close(fd);
  return error == EINVAL || error == ENOTSUP ? 0 : error;
}

bool exists(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return false;
  if (error) fail_errno(path, "cannot look at it", error.value());
  return true;
}

void make_folders(const std::string& path) {
  // "a/b/" names what "a/b" names, and has no name of its own to sync.
  fs::path wanted(path);
  if (!wanted.has_filename()) wanted = wanted.parent_path();
  // Each name is synced before there is anything in it; and that of the deepest folder that is
  // there, because another process may just have made it.
  std::vector<fs::path> names = {wanted};
  while (!exists(names.back().string())) {
    const std::string above = folder_of(names.back().string());
    if (above == names.back()) break;
    names.emplace_back(above);
  }
  for (auto one = names.rbegin(); one != names.rend(); ++one) {
    if (::mkdir(one->c_str(), 0777) != 0 && errno != EEXIST)
      fail_errno(path, "cannot make the folder", errno);
    const int synced = sync_folder(folder_of(one->string()));
    if (synced != 0) fail_errno(path, "cannot sync the folder that holds it", synced);
  }
  struct stat status {};
  if (::stat(wanted.c_str(), &status) != 0) fail_errno(path, "cannot look at it", errno);
  if (!S_ISDIR(status.st_mode)) fail_errno(path, "cannot make the folder", ENOTDIR);
}

}  // namespace maxdot::base
