// Rows that no search takes: which they are, and a report of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "console/disk.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

/// A row that holds a NaN or an infinity, and the first of them.
struct BadRow {
  std::size_t row = 0;
  std::size_t column = 0;
  bool is_nan = false;

  /// "column 2 is NaN"
  std::string reason() const;
};

/// The bad rows of `rows`, with their numbers there.
std::vector<BadRow> bad_rows_of(const MatrixView& rows);

/// Makes a row all zeros. Requires a row of `rows`.
void clear_row(Matrix& rows, std::size_t row);

/// A file with a JSON object a line for each bad row: {"file": ..., "row": ..., "reason": ...}. It
/// is written as `path` + ".partial" until `commit`. Once `sync` was called that stays, and another
/// process may go on with it.
class BadRowReport {
 public:
  /// Goes on behind the first `kept` bytes. Throws Failure (io).
  BadRowReport(std::string path, std::uint64_t kept);
  BadRowReport(const BadRowReport&) = delete;
  BadRowReport& operator=(const BadRowReport&) = delete;
  ~BadRowReport();

  void add(const std::string& file, std::size_t row, const std::string& reason);
  /// What was added is on the disk when this returns: so many bytes in all. Throws Failure (io).
  std::uint64_t sync();
  /// Throws Failure (io).
  void commit();

 private:
  void flush();

  std::string path_;
  std::string partial_;
  Descriptor file_;
  bool keep_ = false;  // the partial file, when this is destroyed
  std::uint64_t written_ = 0;
  std::string text_;  // that is not yet in the file
};

}  // namespace maxdot::tools
