// Text files, line by line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace maxdot::io {

/// The lines of a file, held a megabyte at a time.
class LineReader {
 public:
  /// `longest`: bytes of a line. `wanted` ends the message about one that is longer: "an id; write
  /// one decimal number a line".
  LineReader(const base::InputFile& file, std::size_t longest, const char* wanted)
      : file_(file), longest_(longest), wanted_(wanted) {}

  /// Number of the line that `next` returned last, from 1.
  std::uint64_t number() const { return number_; }

  /// False at the end. A last line without a newline counts, and nothing after the last newline
  /// does not. A byte order mark at the start of the file is no part of its first line. Throws
  /// Error: io, bad_format (a line that is too long).
  bool next(std::string& line);

 private:
  bool refill();

  const base::InputFile& file_;
  std::size_t longest_;
  const char* wanted_;
  std::string chunk_;
  std::size_t position_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
};

/// Without spaces, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace maxdot::io
