#include "live/log.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "base/system_call.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {
namespace {

struct FileHeader {
  char magic[8];
  std::uint32_t format;
  std::uint32_t reserved;
  std::uint64_t catalogue;
  std::uint64_t number;
  std::uint64_t checksum;  // of the members above
};
static_assert(sizeof(FileHeader) == 40);

constexpr char kMagic[8] = {'M', 'A', 'X', 'D', 'O', 'T', 'L', 'G'};
constexpr std::uint32_t kFormat = 1;

FileHeader file_header(const LogName& name) noexcept {
  FileHeader header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.format = kFormat;
  header.catalogue = name.catalogue;
  header.number = name.number;
  header.checksum = XXH3_64bits(&header, offsetof(FileHeader, checksum));
  return header;
}

// Returns 0 or errno.
int write_all(int fd, std::uint64_t offset, const unsigned char* data, std::size_t bytes) noexcept {
  constexpr std::size_t kCallBytes = std::size_t{1} << 30;
  while (bytes > 0) {
    const ssize_t done = base::uninterrupted([&] {
      return ::pwrite(fd, data, std::min(bytes, kCallBytes), static_cast<off_t>(offset));
    });
    if (done <= 0) return done < 0 ? errno : ENOSPC;
    data += done;
    offset += static_cast<std::uint64_t>(done);
    bytes -= static_cast<std::size_t>(done);
  }
  return 0;
}

// Returns 0 or errno.
int sync_data(int fd) noexcept {
  return base::uninterrupted([&] { return ::fdatasync(fd); }) == 0 ? 0 : errno;
}

void check_file_header(const base::InputFile& file, const LogName& name) {
  FileHeader header = {};
  file.read_at(0, &header, sizeof(header));
  const FileHeader wanted = file_header(name);
  if (std::memcmp(&header, &wanted, sizeof(header)) == 0) return;
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) == 0 && header.format > kFormat) {
    throw Error(ErrorCode::unsupported, file.path() + ": has format " +
                                            std::to_string(header.format) +
                                            ", written by a newer version; update maxdot");
  }
  throw Error(ErrorCode::bad_format,
              file.path() + ": is not the log that its name says; restore the folder from a copy");
}

// A record behind `offset`, where one is not whole, was written when the log was safe up to behind
// `offset`: then a disk or a person has damaged it. Otherwise the record was never finished.
void check_torn(const base::InputFile& file, std::uint64_t offset) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 20;
  // A hole may be as large as a file can be.
  constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20;
  std::vector<unsigned char> bytes(kAtOnce + sizeof(RecordHeader));
  for (std::uint64_t at = offset;
       at + sizeof(RecordHeader) <= file.size() && at - offset < kMostBytes; at += kAtOnce) {
    const auto here = static_cast<std::size_t>(
        std::min<std::uint64_t>(file.size() - at, kAtOnce + sizeof(RecordHeader)));
    file.read_at(at, bytes.data(), here);
    for (std::size_t i = 0; i < kAtOnce && i + sizeof(RecordHeader) <= here; i += 8) {
      RecordHeader header;
      std::memcpy(&header, bytes.data() + i, sizeof(header));
      if (header.synced <= offset || header.synced > at + i || !is_header(header)) continue;
      throw Error(ErrorCode::checksum_mismatch,
                  file.path() + ": the record at byte " + std::to_string(offset) +
                      " is damaged, and changes follow that were acknowledged; restore the folder "
                      "from a copy");
    }
  }
}

}  // namespace

LogWriter::LogWriter(std::string path, const LogName& name, int fd, std::uint64_t bytes) noexcept
    : path_(std::move(path)), name_(name), fd_(fd), bytes_(bytes), synced_(bytes) {}

LogWriter LogWriter::create(const std::string& path, const LogName& name) {
  // Whole or not at all: a log without a header would be no log.
  base::AtomicFile file(path);
  const FileHeader header = file_header(name);
  file.write(&header, sizeof(header));
  file.commit();
  try {
    return go_on(path, name, sizeof(header));
  } catch (const Error&) {
    static_cast<void>(::unlink(path.c_str()));
    throw;
  }
}

LogWriter LogWriter::go_on(const std::string& path, const LogName& name, std::uint64_t bytes) {
  const int fd = base::uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CLOEXEC); });
  if (fd < 0) base::fail_errno(path, "cannot open the log", errno);
  LogWriter log(path, name, fd, bytes);
  if (base::uninterrupted([&] { return ::ftruncate(fd, static_cast<off_t>(bytes)); }) != 0)
    base::fail_errno(path, "cannot cut off an unfinished record", errno);
  if (const int error = sync_data(fd); error != 0)
    base::fail_errno(path, "cannot sync the log", error);
  return log;
}

LogWriter::LogWriter(LogWriter&& other) noexcept
    : path_(std::move(other.path_)),
      name_(other.name_),
      fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_),
      synced_(other.synced_),
      broken_(other.broken_) {}

LogWriter& LogWriter::operator=(LogWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(name_, other.name_);
  std::swap(fd_, other.fd_);
  std::swap(bytes_, other.bytes_);
  std::swap(synced_, other.synced_);
  std::swap(broken_, other.broken_);
  return *this;
}

LogWriter::~LogWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void LogWriter::append(RecordBytes& record, std::uint64_t version) {
  complete(record, version, synced_);
  const int error = write_all(fd_, bytes_, record.data(), record.size());
  if (error == 0) {
    bytes_ += record.size();
    return;
  }
  broken_ = base::uninterrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(bytes_)); }) != 0;
  base::fail_errno(path_, "cannot write the change to the log; nothing was changed", error);
}

void LogWriter::sync() {
  if (synced_ == bytes_) return;
  if (const int error = sync_data(fd_); error != 0) {
    broken_ = true;
    base::fail_errno(path_,
                     "cannot sync the log, so nobody knows whether the change is on the disk; "
                     "open the folder again",
                     error);
  }
  synced_ = bytes_;
}

bool has_records(const std::string& path) {
  return base::InputFile(path).size() > sizeof(FileHeader);
}

std::uint64_t read_log(const std::string& path, const LogName& name, std::uint64_t offset,
                       const RecordVisitor& visit) {
  const base::InputFile file(path);
  check_file_header(file, name);
  std::uint64_t at = std::max<std::uint64_t>(offset, sizeof(FileHeader));
  std::vector<std::uint64_t> words;
  while (file.size() > at && file.size() - at >= sizeof(RecordHeader)) {
    RecordHeader header;
    file.read_at(at, &header, sizeof(header));
    if (!is_header(header) || header.payload_bytes > file.size() - at - sizeof(header)) break;
    words.resize(static_cast<std::size_t>(header.payload_bytes / sizeof(std::uint64_t)));
    const std::span<unsigned char> payload(reinterpret_cast<unsigned char*>(words.data()),
                                           words.size() * sizeof(std::uint64_t));
    file.read_at(at + sizeof(header), payload.data(), payload.size());
    if (payload_checksum(payload) != header.payload_checksum) break;
    visit(header, payload);
    at += sizeof(header) + payload.size();
  }
  if (at != file.size()) check_torn(file, at);
  return at;
}

}  // namespace maxdot::live
