// Files as this project uses them: read at an offset, map whole. POSIX. Writing: atomic_file.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace maxdot::base {

/// An open file to read from. `read_at` is safe from several threads.
class InputFile {
 public:
  /// Throws Error (io) naming the path and the system's reason; directories are refused.
  /// (invalid_argument): a NUL in it.
  explicit InputFile(std::string path);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  std::uint64_t size() const noexcept { return size_; }
  const std::string& path() const noexcept { return path_; }
  int descriptor() const noexcept { return fd_; }

  /// Whether the file is another one in size or time of change than when it was opened. A file that
  /// took its place under the path does not count.
  bool has_changed() const noexcept;

  /// Reads exactly `bytes` bytes at `offset`. Throws Error: io, or bad_format if the file ends
  /// before.
  void read_at(std::uint64_t offset, void* out, std::size_t bytes) const;

  /// Why bytes could not be read.
  struct Failure {
    int error;             ///< errno; 0: the file ends before
    std::uint64_t offset;  ///< of the first byte that was not read
    std::size_t missing;   ///< so many bytes from there on
  };
  /// The same where nothing may be thrown. `refuse` throws the Error of a failure.
  std::optional<Failure> try_read_at(std::uint64_t offset, void* out,
                                     std::size_t bytes) const noexcept;
  [[noreturn]] void refuse(const Failure& failure) const;

  /// Reads exactly `bytes` bytes if the system holds them all in memory. Returns whether it did; if
  /// not, `out` holds nothing of use.
  bool read_held(std::uint64_t offset, void* out, std::size_t bytes) const noexcept;

  /// Tells the system that reads will be short and scattered: it then reads nothing ahead.
  void expect_scattered_reads() const noexcept;
  /// Asks the system to begin to read these bytes; comes back at once.
  void will_need(std::uint64_t offset, std::uint64_t bytes) const noexcept;

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::int64_t changed_ns_ = 0;  // mtime
};

/// A whole file mapped read-only.
class MappedFile {
 public:
  MappedFile() noexcept = default;
  explicit MappedFile(const InputFile& file);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const unsigned char* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  const unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace maxdot::base
