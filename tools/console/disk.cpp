#include "console/disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

constexpr const char* kRemedy = "free some space there, and look whether it may be written";

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

void write_all(const Descriptor& file, std::uint64_t offset, std::string_view data,
               const std::string& path) {
  while (!data.empty()) {
    const ssize_t done = pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw io_failure(path, "write", done < 0 ? errno : EIO, kRemedy);
    data.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void read_all(const Descriptor& file, std::uint64_t offset, void* data, std::size_t bytes,
              const std::string& path) {
  for (std::size_t read = 0; read < bytes;) {
    const ssize_t done = pread(file.get(), static_cast<char*>(data) + read, bytes - read,
                               static_cast<off_t>(offset + read));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw io_failure(path, "read", done < 0 ? errno : EIO, "run it again");
    read += static_cast<std::size_t>(done);
  }
}

void replace_file(const std::string& path, std::string_view data) {
  const std::string beside = path + ".tmp";
  const auto check = [&](int status) {
    if (status < 0) throw io_failure(path, "write", errno, kRemedy);
    return status;
  };
  {
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    const Descriptor file(check(open(beside.c_str(), flags, 0666)));
    write_all(file, 0, data, path);
    check(fsync(file.get()));
  }
  check(rename(beside.c_str(), path.c_str()));
  // Where a folder cannot be opened or synced, the file is whole all the same: the old at worst.
  const Descriptor folder(open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) static_cast<void>(fsync(folder.get()));
}

Descriptor open_unnamed(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (fd >= 0) return Descriptor(fd);
  // A filesystem that has no files without a name.
  std::string name = folder + "/.maxdot-XXXXXX";
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named < 0) throw io_failure(folder, "create a temporary file in it", errno, kRemedy);
  unlink(name.c_str());
  return Descriptor(named);
}

std::string folder_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace maxdot::tools
