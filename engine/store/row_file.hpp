// RowFile: the rows of an index that stay in its file; RowReads: what one call reads of them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/file.hpp"
#include "base/stop.hpp"

namespace maxdot::store {

/// Rows of one length, one after the other in a file. Safe from any number of threads.
class RowFile {
 public:
  /// The first row begins at `offset`. Requires that the file holds every row that is asked for.
  RowFile(base::InputFile file, std::uint64_t offset, std::size_t row_bytes) noexcept;

  const base::InputFile& file() const noexcept { return file_; }
  std::uint64_t offset_of(std::size_t row) const noexcept { return offset_ + row * row_bytes_; }
  std::size_t row_bytes() const noexcept { return row_bytes_; }

  /// Reads rows [first, first + count). Throws Error: io, bad_format (the file was cut short).
  void read(std::size_t first, std::size_t count, void* out) const {
    file_.read_at(offset_of(first), out, count * row_bytes_);
    throw_if_changed();
  }
  /// Throws Error (io): what was read may be of another index than the codes in memory.
  void throw_if_changed() const;

 private:
  base::InputFile file_;
  std::uint64_t offset_;
  std::size_t row_bytes_;
};

/// The reads of one call. Threads that scan may throw nothing: the first read that fails ends the
/// call, whose results are then not looked at, and whoever began it throws.
class RowReads {
 public:
  /// `stop` is of the call and outlives this.
  RowReads(const RowFile& rows, base::Stop& stop) noexcept : rows_(rows), stop_(stop) {}
  RowReads(const RowReads&) = delete;
  RowReads& operator=(const RowReads&) = delete;

  std::size_t row_bytes() const noexcept { return rows_.row_bytes(); }
  /// Reads rows [first, first + count) if the system holds them. Returns whether it did.
  bool read_held(std::size_t first, std::size_t count, void* out) const noexcept {
    return rows_.file().read_held(rows_.offset_of(first), out, count * rows_.row_bytes());
  }
  /// Asks the system to begin to read rows [first, first + count).
  void will_need(std::size_t first, std::size_t count) const noexcept {
    rows_.file().will_need(rows_.offset_of(first), count * rows_.row_bytes());
  }
  /// Reads them. Returns whether they were read; if not, the call ends.
  bool read(std::size_t first, std::size_t count, void* out) noexcept;
  /// Throws the Error of the first read that failed: io, bad_format; or io if the file has changed
  /// since it was opened. Requires that no thread reads.
  void throw_if_failed() const;

 private:
  const RowFile& rows_;
  base::Stop& stop_;
  std::atomic<bool> failed_ = false;
  base::InputFile::Failure failure_ = {};
};

}  // namespace maxdot::store
