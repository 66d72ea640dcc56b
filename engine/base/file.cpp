#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include "maxdot/error.hpp"

namespace maxdot::base {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t write_buffer_bytes = std::size_t{1} << 20;
// One system call moves at most about 2 GiB on Linux, and macOS refuses more; ask for less.
constexpr std::size_t call_bytes = std::size_t{1} << 30;
constexpr std::uint64_t largest_offset = std::numeric_limits<off_t>::max();

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::io, (path.empty() ? std::string("(empty path)") : path) + ": " + what);
}

[[noreturn]] void fail_errno(const std::string& path, const std::string& what, int error) {
  fail(path, what + ": " + std::generic_category().message(error));
}

void close_descriptor(int& fd) noexcept {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

int sync_descriptor(int fd) noexcept {
  while (::fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// What `path` leads to, also when the last link points to a file that does not exist yet (where realpath and
// weakly_canonical give up).
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

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

// Makes the rename itself durable. A folder that may be written but not read cannot be opened, and some
// filesystems have no sync for folders; the file is whole either way, so neither is an error.
int sync_folder(const fs::path& folder) {
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == EACCES ? 0 : errno;
  const int error = sync_descriptor(fd);
  close_descriptor(fd);
  return error == EINVAL || error == ENOTSUP ? 0 : error;
}

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a pipe must come back to be refused, not wait for a writer.
  do {
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) fail_errno(path_, "cannot open", errno);

  struct stat status {};
  const int error = ::fstat(fd_, &status) == 0 ? 0 : errno;
  if (error == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  close_descriptor(fd_);
  if (error != 0) fail_errno(path_, "cannot read its size", error);
  if (S_ISDIR(status.st_mode)) fail(path_, "is a directory; name a file");
  fail(path_, "is not a regular file; copy its contents into one first");
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(std::exchange(other.size_, 0)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  if (this != &other) {
    close_descriptor(fd_);
    path_ = std::move(other.path_);
    fd_ = std::exchange(other.fd_, -1);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

InputFile::~InputFile() { close_descriptor(fd_); }

void InputFile::read_at(std::uint64_t offset, void* out, std::size_t bytes) const {
  auto* to = static_cast<unsigned char*>(out);
  while (bytes > 0) {
    ssize_t got = 0;  // an offset past off_t is past the end
    if (offset <= largest_offset) {
      got = ::pread(fd_, to, std::min(bytes, call_bytes), static_cast<off_t>(offset));
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(path_, "cannot read at byte " + std::to_string(offset), errno);
    if (got == 0) {
      throw Error(ErrorCode::bad_format, path_ + ": ends at byte " + std::to_string(offset) + ", " +
                                             std::to_string(bytes) +
                                             " bytes too early; copy or write the file again");
    }
    const auto n = static_cast<std::size_t>(got);
    to += n;
    offset += n;
    bytes -= n;
  }
}

MappedFile::MappedFile(const InputFile& file) {
  if (file.size() == 0) return;  // mmap refuses empty ranges
  if (file.size() > std::numeric_limits<std::size_t>::max()) fail(file.path(), "is too large to map");
  const auto bytes = static_cast<std::size_t>(file.size());
  void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (address == MAP_FAILED) fail_errno(file.path(), "cannot map", errno);
  data_ = static_cast<const unsigned char*>(address);
  size_ = bytes;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  MappedFile taken(std::move(other));
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<unsigned char*>(data_), size_);
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) fail_errno(path_, "cannot write", errno);
  if (exists && S_ISDIR(status.st_mode)) fail(path_, "is a directory; name a file to write");
  if (exists && !S_ISREG(status.st_mode)) fail(path_, "is not a regular file; name another file to write");

  const fs::path target = follow_links(path_);
  if (!target.has_filename()) fail(path_, "names no file; name a file to write");
  const fs::path folder = folder_of(target);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail(path_, "cannot write: the folder '" + folder.string() + "' does not exist; create it first");
  }
  target_ = target.string();
  buffer_.reset(new (std::nothrow) unsigned char[write_buffer_bytes]);
  if (!buffer_) throw Error(ErrorCode::out_of_memory, path_ + ": no memory for a 1 MiB write buffer");

  // The name does not hold the target's, which may already be as long as a name can be. O_EXCL settles the case
  // of a leftover from a crashed process that had the same id.
  static std::atomic<std::uint64_t> counter{0};
  do {
    temporary_ = (folder / (".maxdot-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp"))
                     .string();
    fd_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, exists ? 0600 : 0666);
  } while (fd_ < 0 && (errno == EEXIST || errno == EINTR));
  if (fd_ < 0) fail_errno(path_, "cannot create a temporary file beside it", errno);
  // A private file must not become readable by being replaced. Filesystems without modes refuse fchmod; what
  // they leave is no wider than the 0600 asked for above.
  if (exists) static_cast<void>(::fchmod(fd_, status.st_mode & 0777));
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)),
      written_(std::exchange(other.written_, 0)),
      buffer_(std::move(other.buffer_)),
      buffered_(std::exchange(other.buffered_, 0)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    discard();
    path_ = std::move(other.path_);
    target_ = std::move(other.target_);
    temporary_ = std::move(other.temporary_);
    fd_ = std::exchange(other.fd_, -1);
    written_ = std::exchange(other.written_, 0);
    buffer_ = std::move(other.buffer_);
    buffered_ = std::exchange(other.buffered_, 0);
  }
  return *this;
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ < 0) return;
  close_descriptor(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::require_open() const {
  if (fd_ < 0) fail(path_, "is no longer being written: it was committed, or an earlier write failed");
}

// A hole in the file would be worse than no file, so the first failure ends the whole attempt.
void AtomicFile::put(std::uint64_t offset, const unsigned char* data, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t done = ::pwrite(fd_, data, std::min(bytes, call_bytes), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      const int error = done < 0 ? errno : ENOSPC;
      discard();
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

void AtomicFile::write_at(std::uint64_t offset, const void* data, std::size_t bytes) {
  require_open();
  if (offset > written_ || bytes > written_ - offset) {
    throw Error(ErrorCode::invalid_argument, path_ + ": write_at reaches past the bytes written so far");
  }
  flush();
  put(offset, static_cast<const unsigned char*>(data), bytes);
}

void AtomicFile::commit() {
  require_open();
  flush();
  int error = sync_descriptor(fd_);
  if (error == 0 && ::rename(temporary_.c_str(), target_.c_str()) != 0) error = errno;
  if (error != 0) {
    discard();
    fail_errno(path_, "cannot finish writing (an older file of this name is unchanged)", error);
  }
  close_descriptor(fd_);  // fsync has reported whatever close could
  buffer_.reset();
  error = sync_folder(folder_of(target_));
  if (error != 0) fail_errno(path_, "is written whole, but its folder could not be synced", error);
}

}  // namespace maxdot::base
