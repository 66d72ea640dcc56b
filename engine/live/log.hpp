// The log: a file of records, one for each change, in the order of versions. Whoever opens the
// folder reads what the segments do not hold yet from it. FORMAT.md is the specification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "live/record.hpp"

namespace maxdot::live {

/// Which log a file is.
struct LogName {
  std::uint64_t catalogue;  ///< of the manifest
  std::uint64_t number;
};

/// For one thread at a time.
class LogWriter {
 public:
  /// A new log without records, which is on the disk with its name. Throws Error (io).
  static LogWriter create(const std::string& path, const LogName& name);
  /// Goes on with the log at `path` behind its first `bytes` bytes; what follows is cut off. Throws
  /// Error (io).
  static LogWriter go_on(const std::string& path, const LogName& name, std::uint64_t bytes);
  LogWriter(LogWriter&& other) noexcept;
  LogWriter& operator=(LogWriter&& other) noexcept;
  ~LogWriter();

  std::uint64_t number() const noexcept { return name_.number; }
  std::uint64_t bytes() const noexcept { return bytes_; }

  /// Writes the record, but does not sync. Throws Error (io): nothing of it is in the log then, or
  /// the log is `broken`.
  void append(RecordBytes& record, std::uint64_t version);
  /// Throws Error (io); the log is broken then: nobody knows what is on the disk.
  void sync();
  bool broken() const noexcept { return broken_; }

 private:
  LogWriter(std::string path, const LogName& name, int fd, std::uint64_t bytes) noexcept;

  std::string path_;
  LogName name_;
  int fd_;
  std::uint64_t bytes_;
  std::uint64_t synced_;
  bool broken_ = false;
};

/// Whether anything was written behind the header. Throws Error (io).
bool has_records(const std::string& path);

/// Gets a record's header and payload, which is aligned to 8 bytes.
using RecordVisitor =
    std::function<void(const RecordHeader& header, std::span<const unsigned char> payload)>;

/// Visits the records of a log from byte `offset` on (0: the first), in order, until one is not
/// whole. Returns where that begins: a writer was killed, or has not finished. Throws Error: io,
/// bad_format, checksum_mismatch (a record is damaged that was safely written once), and what
/// `visit` throws.
std::uint64_t read_log(const std::string& path, const LogName& name, std::uint64_t offset,
                       const RecordVisitor& visit);

}  // namespace maxdot::live
