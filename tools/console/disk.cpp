#include "console/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

constexpr const char* kRemedy = "free some space there, and look whether it may be written";

/// Makes a system call again that a signal has interrupted.
template <typename Call>
int uninterrupted(const Call& call) {
  int status = 0;
  do {
    status = call();
  } while (status < 0 && errno == EINTR);
  return status;
}

}  // namespace

int open_file(const std::string& path, int flags) {
  return uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC, 0666); });
}

int sync_file(const Descriptor& file) {
  return uninterrupted([&] { return fsync(file.get()); });
}

int cut_file(const Descriptor& file, std::uint64_t bytes) {
  return uninterrupted([&] { return ftruncate(file.get(), static_cast<off_t>(bytes)); });
}

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

std::optional<std::string> read_file(const std::string& path, std::uint64_t most) {
  constexpr const char* remedy = "look whether it may be read";
  const Descriptor file(open_file(path, O_RDONLY));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    throw io_failure(path, "read", errno, remedy);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) throw io_failure(path, "read", errno, remedy);
  if (static_cast<std::uint64_t>(status.st_size) > most) {
    throw Failure(ExitCode::bad_data, path + ": holds " + std::to_string(status.st_size) +
                                          " bytes, more than the " + std::to_string(most) +
                                          " that such a file may have");
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  read_all(file, 0, text.data(), text.size(), path);
  return text;
}

void replace_file(const std::string& path, std::string_view data) {
  const std::string beside = path + ".tmp";
  const auto check = [&](int status) {
    if (status < 0) throw io_failure(path, "write", errno, kRemedy);
    return status;
  };
  const Descriptor file(check(open_file(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)));
  try {
    write_all(file, 0, data, path);
    check(sync_file(file));
    check(rename(beside.c_str(), path.c_str()));
  } catch (...) {
    unlink(beside.c_str());
    throw;
  }
  sync_name(path);
}

void sync_name(const std::string& path) {
  const Descriptor folder(open_file(folder_of(path), O_RDONLY | O_DIRECTORY));
  if (folder.get() >= 0) static_cast<void>(sync_file(folder));
}

Descriptor open_unnamed(const std::string& folder) {
  const int fd =
      uninterrupted([&] { return open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600); });
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
