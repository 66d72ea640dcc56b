#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/path_errors.hpp"
#include "base/system_call.hpp"
#include "maxdot/error.hpp"

namespace maxdot::base {
namespace {

// One system call moves at most about 2 GiB on Linux; ask for less.
constexpr std::size_t call_bytes = std::size_t{1} << 30;
constexpr std::uint64_t largest_offset = std::numeric_limits<off_t>::max();

void close_descriptor(int& fd) noexcept {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// [nanoseconds] Since the epoch, of the last change of the contents.
std::int64_t changed_ns(const struct stat& status) noexcept {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  check_path(path_);
  // O_NONBLOCK: opening a pipe must come back to be refused, not wait for a writer.
  fd_ = uninterrupted([&] { return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  if (fd_ < 0) fail_errno(path_, "cannot open", errno);

  struct stat status {};
  const int error = ::fstat(fd_, &status) == 0 ? 0 : errno;
  if (error == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    changed_ns_ = changed_ns(status);
    return;
  }
  close_descriptor(fd_);
  if (error != 0) fail_errno(path_, "cannot read its size", error);
  if (S_ISDIR(status.st_mode)) fail(path_, "is a directory; name a file");
  fail(path_, "is not a regular file; copy its contents into one first");
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(std::exchange(other.size_, 0)),
      changed_ns_(other.changed_ns_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  if (this != &other) {
    close_descriptor(fd_);
    path_ = std::move(other.path_);
    fd_ = std::exchange(other.fd_, -1);
    size_ = std::exchange(other.size_, 0);
    changed_ns_ = other.changed_ns_;
  }
  return *this;
}

InputFile::~InputFile() { close_descriptor(fd_); }

bool InputFile::has_changed() const noexcept {
  struct stat status {};
  return ::fstat(fd_, &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size_ ||
         changed_ns(status) != changed_ns_;
}

void InputFile::read_at(std::uint64_t offset, void* out, std::size_t bytes) const {
  if (const auto failure = try_read_at(offset, out, bytes)) refuse(*failure);
}

std::optional<InputFile::Failure> InputFile::try_read_at(std::uint64_t offset, void* out,
                                                         std::size_t bytes) const noexcept {
  auto* to = static_cast<unsigned char*>(out);
  while (bytes > 0) {
    ssize_t got = 0;  // an offset past off_t is past the end
    if (offset <= largest_offset) {
      got = uninterrupted([&] {
        return ::pread(fd_, to, std::min(bytes, call_bytes), static_cast<off_t>(offset));
      });
    }
    if (got < 0) return Failure{errno, offset, bytes};
    if (got == 0) return Failure{0, offset, bytes};
    const auto n = static_cast<std::size_t>(got);
    to += n;
    offset += n;
    bytes -= n;
  }
  return std::nullopt;
}

void InputFile::refuse(const Failure& failure) const {
  const std::string offset = std::to_string(failure.offset);
  if (failure.error != 0) fail_errno(path_, "cannot read at byte " + offset, failure.error);
  throw Error(ErrorCode::bad_format, path_ + ": ends at byte " + offset + ", " +
                                         std::to_string(failure.missing) +
                                         " bytes too early; copy or write the file again")
      .about(path_);
}

bool InputFile::read_held(std::uint64_t offset, void* out, std::size_t bytes) const noexcept {
#ifdef RWF_NOWAIT
  if (offset > largest_offset) return false;
  const iovec whole = {out, bytes};
  const ssize_t got = uninterrupted(
      [&] { return ::preadv2(fd_, &whole, 1, static_cast<off_t>(offset), RWF_NOWAIT); });
  return got >= 0 && static_cast<std::size_t>(got) == bytes;
#else
  (void)offset, (void)out, (void)bytes;
  return false;
#endif
}

void InputFile::expect_scattered_reads() const noexcept {
  (void)::posix_fadvise(fd_, 0, 0, POSIX_FADV_RANDOM);
}

void InputFile::will_need(std::uint64_t offset, std::uint64_t bytes) const noexcept {
  if (bytes > largest_offset || offset > largest_offset - bytes) return;
  (void)::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes),
                        POSIX_FADV_WILLNEED);
}

MappedFile::MappedFile(const InputFile& file) {
  if (file.size() == 0) return;  // mmap refuses empty ranges
  if (file.size() > std::numeric_limits<std::size_t>::max())
    fail(file.path(), "is too large to map");
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

}  // namespace maxdot::base
