// Files as this project uses them: read at an offset, map whole, replace atomically. POSIX.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace maxdot::base {

/// An open file to read from. `read_at` is safe from several threads.
class InputFile {
 public:
  /// Throws Error (io) naming the path and the system's reason; directories are refused.
  explicit InputFile(std::string path);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  std::uint64_t size() const noexcept { return size_; }
  const std::string& path() const noexcept { return path_; }
  int descriptor() const noexcept { return fd_; }

  /// Reads exactly `bytes` bytes at `offset`. Throws Error: io, or bad_format if the file ends before.
  void read_at(std::uint64_t offset, void* out, std::size_t bytes) const;

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
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

/// Writes beside `path` (same folder, a name of its own), then `commit` syncs file and folder and renames.
/// Without commit the destructor removes the temporary; `path` is never damaged. A link stays a link: what it
/// points to is replaced. After a failed write the temporary is gone and every later call fails too.
class AtomicFile {
 public:
  /// Throws Error (io).
  explicit AtomicFile(std::string path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  /// Appends. Throws Error (io) naming the path: disk full, quota, ...
  void write(const void* data, std::size_t bytes);
  /// Overwrites bytes already written (a header whose checksums come last). Throws Error (io).
  void write_at(std::uint64_t offset, const void* data, std::size_t bytes);
  std::uint64_t written() const noexcept { return written_; }
  void commit();

 private:
  void discard() noexcept;
  void require_open() const;
  void flush();
  void put(std::uint64_t offset, const unsigned char* data, std::size_t bytes);
  std::string path_;    // as the caller names it, for messages
  std::string target_;  // path_ with links followed: what is replaced
  std::string temporary_;
  int fd_ = -1;
  std::uint64_t written_ = 0;
  std::unique_ptr<unsigned char[]> buffer_;  // the last buffered_ of the written_ bytes, not yet in the file
  std::size_t buffered_ = 0;
};

}  // namespace maxdot::base
