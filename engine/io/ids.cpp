// read_ids: item ids from an array or a text file.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "io/npy.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
namespace {

std::vector<std::int64_t> read_npy_ids(const base::InputFile& file) {
  const io::NpyHeader header = io::read_npy_header(file);
  const bool narrow = header.descr == "<i4";
  if (!narrow && header.descr != "<i8") io::refuse_npy_dtype(file.path(), header, "int64");
  if (header.shape.size() != 1) {
    throw Error(ErrorCode::unsupported, file.path() + ": the array is " + std::to_string(header.shape.size()) +
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

// The lines of a file, held a megabyte at a time.
class LineReader {
 public:
  explicit LineReader(const base::InputFile& file) : file_(file) {}

  // Number of the line that `next` returned last, from 1.
  std::uint64_t number() const { return number_; }

  // False at the end. A last line without a newline counts, and nothing after the last newline does not.
  bool next(std::string& line) {
    constexpr std::size_t longest = 256;
    line.clear();
    for (bool started = false;; started = true) {
      if (position_ == chunk_.size() && !refill()) return started;
      if (!started) ++number_;
      const char* begin = chunk_.data() + position_;
      const std::size_t left = chunk_.size() - position_;
      const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', left));
      const std::size_t length = newline != nullptr ? static_cast<std::size_t>(newline - begin) : left;
      if (length > longest - line.size()) {
        throw Error(ErrorCode::bad_format, file_.path() + ": line " + std::to_string(number_) +
                                               " is too long for an id; write one decimal number a line");
      }
      line.append(begin, length);
      position_ += length;
      if (newline == nullptr) continue;
      ++position_;
      return true;
    }
  }

 private:
  bool refill() {
    constexpr std::uint64_t chunk_bytes = std::uint64_t{1} << 20;
    chunk_.resize(static_cast<std::size_t>(std::min(chunk_bytes, file_.size() - offset_)));
    file_.read_at(offset_, chunk_.data(), chunk_.size());
    offset_ += chunk_.size();
    position_ = 0;
    return !chunk_.empty();
  }

  const base::InputFile& file_;
  std::string chunk_;
  std::size_t position_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

// Ids belong to rows by position, so nothing is skipped: a blank line is fine only at the end of the file.
std::vector<std::int64_t> read_text_ids(const base::InputFile& file) {
  std::vector<std::int64_t> ids;
  LineReader lines(file);
  std::uint64_t first_blank = 0;
  const auto fail = [&](std::uint64_t line, const std::string& what) {
    throw Error(ErrorCode::bad_format, file.path() + ": line " + std::to_string(line) + ": " + what);
  };
  for (std::string line; lines.next(line);) {
    const std::string_view text = trimmed(line);
    if (text.empty()) {
      if (first_blank == 0) first_blank = lines.number();
      continue;
    }
    if (first_blank != 0) fail(first_blank, "is blank, but ids follow; write one decimal number a line");
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error == std::errc::result_out_of_range) fail(lines.number(), io::quoted(text) + " exceeds 64 bits");
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(lines.number(), io::quoted(text) + " is no id; write one decimal number a line");
    }
    ids.push_back(id);
  }
  return ids;
}

}  // namespace

std::vector<std::int64_t> read_ids(const std::string& path) {
  const base::InputFile file(path);
  const auto no_memory = [&] { return Error(ErrorCode::out_of_memory, path + ": no memory for its ids"); };
  try {
    return path.ends_with(".npy") ? read_npy_ids(file) : read_text_ids(file);
  } catch (const std::bad_alloc&) {
    throw no_memory();
  } catch (const std::length_error&) {  // more elements than a vector can count
    throw no_memory();
  }
}

}  // namespace maxdot
