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
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

std::vector<std::int64_t> read_npy_ids(const base::InputFile& file) {
  const io::NpyHeader header = io::read_npy_header(file);
  const bool narrow = header.descr == "<i4";
  if (!narrow && header.descr != "<i8") io::refuse_npy_dtype(file.path(), header, "int64");
  if (header.shape.size() != 1) {
    throw Error(ErrorCode::unsupported, file.path() + ": the array is " +
                                            std::to_string(header.shape.size()) +
                                            "-D; ids are 1-D, convert with x.reshape(-1)");
  }
  io::check_npy_payload(file, header, narrow ? 4 : 8);

  const auto count = static_cast<std::size_t>(header.shape[0]);
  std::vector<std::int64_t> ids(count);
  if (!narrow) {
    file.read_at(header.data_offset, ids.data(), count * 8);
    return ids;
  }
  std::vector<std::int32_t> block(std::min<std::size_t>(count, 65536));
  for (std::size_t done = 0; done < count;) {
    const std::size_t n = std::min(count - done, block.size());
    file.read_at(header.data_offset + done * 4, block.data(), n * 4);
    std::copy_n(block.data(), n, ids.data() + done);
    done += n;
  }
  return ids;
}

// Ids belong to rows by position, so nothing is skipped: a blank line is fine only at the end of
// the file.
std::vector<std::int64_t> read_text_ids(const base::InputFile& file) {
  std::vector<std::int64_t> ids;
  io::LineReader lines(file, "an id; write one decimal number a line");
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
    return path.ends_with(".npy") ? read_npy_ids(file) : read_text_ids(file);
  });
}

}  // namespace v0_1
}  // namespace maxdot
