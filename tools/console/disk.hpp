// Bytes to and from the disk, each call until all are moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maxdot::tools {

/// A file descriptor, closed at the end. -1: none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// open, fsync and ftruncate, made again when a signal has interrupted them. -1: see errno.
int open_file(const std::string& path, int flags);
int sync_file(const Descriptor& file);
int cut_file(const Descriptor& file, std::uint64_t bytes);

/// Writes all of `data` at `offset`. Throws Failure (io) that names `path`.
void write_all(const Descriptor& file, std::uint64_t offset, std::string_view data,
               const std::string& path);

/// Reads `bytes` at `offset`. Throws Failure (io) that names `path`, also if the file ends before.
void read_all(const Descriptor& file, std::uint64_t offset, void* data, std::size_t bytes,
              const std::string& path);

/// What the file holds; nothing if there is none. Throws Failure: io, bad_data (more than `most`
/// bytes).
std::optional<std::string> read_file(const std::string& path, std::uint64_t most);

/// Writes `data` beside `path`, syncs and renames: `path` holds what it held or `data`, whole.
/// Requires that nobody else writes it. Throws Failure (io).
void replace_file(const std::string& path, std::string_view data);

/// Syncs the folder that holds `path`, so that a file that was made or renamed there has its name
/// when the power fails. Where that cannot be done, the file is whole all the same: the old at
/// worst.
void sync_name(const std::string& path);

/// A file without a name in `folder`, for what is too large for memory: the system removes it when
/// it is closed. Throws Failure (io).
Descriptor open_unnamed(const std::string& folder);

/// The folder that holds `path`.
std::string folder_of(const std::string& path);

}  // namespace maxdot::tools
