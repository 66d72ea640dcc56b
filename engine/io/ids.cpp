// read_ids: item ids from an array or a text file.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "io/lines.hpp"
#include "io/npy.hpp"
#include "io/npy_integers.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

// Whether this may be the name of a column: it has a letter, and no digit at its start, where a
// mistyped number has one.
bool is_header(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const char first = text.front();
  return (first < '0' || first > '9') && first != '-' && first != '+' &&
         std::any_of(text.begin(), text.end(), is_letter);
}

// Ids belong to rows by position, so nothing is skipped but the name of the column, which the first
// line may hold: a blank line is fine only at the end of the file.
std::vector<std::int64_t> read_text_ids(const base::InputFile& file) {
  std::vector<std::int64_t> ids;
  io::LineReader lines(file, 256, "an id; write one decimal number a line");
  std::uint64_t first_blank = 0;
  const auto fail = [&](std::uint64_t line, const std::string& what) {
    throw Error(ErrorCode::bad_format,
                file.path() + ": line " + std::to_string(line) + ": " + what);
  };
  for (std::string line; lines.next(line);) {
    const std::string_view text = io::trimmed(line);
    if (text.empty()) {
      if (first_blank == 0) first_blank = lines.number();
      continue;
    }
    if (first_blank != 0)
      fail(first_blank, "is blank, but ids follow; write one decimal number a line");
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error == std::errc::result_out_of_range)
      fail(lines.number(), io::quoted(text) + " exceeds 64 bits");
    if (error != std::errc() || end != text.data() + text.size()) {
      if (lines.number() == 1 && is_header(text)) continue;
      fail(lines.number(), io::quoted(text) + " is no id; write one decimal number a line");
    }
    ids.push_back(id);
  }
  return ids;
}

}  // namespace

std::vector<std::int64_t> read_ids(const std::string& path) {
  return base::file_entry(path, "read its ids", [&] {
    const base::InputFile file(path);
    return path.ends_with(".npy") ? io::read_npy_integers(file, io::Bools::refused)
                                  : read_text_ids(file);
  });
}

}  // namespace v0_1
}  // namespace maxdot
