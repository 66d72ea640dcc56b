#include "console/files.hpp"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "console/disk.hpp"
#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

namespace fs = std::filesystem;

/// What the path leads to, also when a link points to a file that does not exist yet.
fs::path link_target(fs::path path) {
  std::error_code failed;
  for (int links = 0; links < 40; ++links) {
    const fs::path next = fs::read_symlink(path, failed);
    if (failed) break;  // not a link
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  return path;
}

}  // namespace

bool same_file(const std::string& a, const std::string& b) {
  std::error_code failed;
  if (fs::equivalent(a, b, failed)) return true;
  // Neither need exist yet: compare the folders, which must, and the names of what links lead to.
  const fs::path one = link_target(a);
  const fs::path other = link_target(b);
  return one.filename() == other.filename() &&
         fs::equivalent(folder_of(one), folder_of(other), failed);
}

void check_output(const std::string& path, const std::vector<std::string>& inputs) {
  if (path.empty()) throw Failure(ExitCode::usage, "the name of an output file is empty; give one");
  for (const std::string& input : inputs) {
    if (!input.empty() && same_file(path, input)) {
      throw Failure(ExitCode::usage, path + ": is both input and output; write to another file");
    }
  }
  std::error_code failed;
  const fs::file_status status = fs::status(path, failed);
  if (fs::is_directory(status)) {
    throw Failure(ExitCode::io, path + ": is a folder; name a file inside it");
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw Failure(ExitCode::io, path + ": is a device or a pipe; name a regular file");
  }
  const std::string folder = folder_of(path);
  if (!fs::is_directory(folder, failed)) {
    if (failed && failed != std::errc::no_such_file_or_directory)
      throw io_failure(path, "write to its folder", failed.value(), "check its path");
    throw Failure(ExitCode::io, path + ": its folder does not exist; create it first");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw io_failure(path, "write to its folder", errno, "choose a folder that you may write to");
  }
}

bool ends_with(std::string_view text, std::string_view ending) noexcept {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

}  // namespace maxdot::tools
