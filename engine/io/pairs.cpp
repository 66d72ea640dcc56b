// read_id_pairs: pairs of ids from an array or a text file.
#include <charconv>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "io/lines.hpp"
#include "io/npy.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
namespace {

template <typename T>
IdPairs read_npy_pairs(const base::InputFile& file, const io::NpyHeader& header) {
  constexpr std::size_t block_pairs = 65536;
  const auto count = static_cast<std::size_t>(header.shape[0]);
  IdPairs pairs;
  pairs.first.reserve(count);
  pairs.second.reserve(count);
  std::vector<T> block(2 * block_pairs);
  for (std::size_t done = 0; done < count;) {
    const std::size_t n = std::min(count - done, block_pairs);
    file.read_at(header.data_offset + done * 2 * sizeof(T), block.data(), n * 2 * sizeof(T));
    for (std::size_t i = 0; i < n; ++i) {
      pairs.first.push_back(block[2 * i]);
      pairs.second.push_back(block[2 * i + 1]);
    }
    done += n;
  }
  return pairs;
}

IdPairs read_npy_pairs(const base::InputFile& file) {
  const io::NpyHeader header = io::read_npy_header(file);
  const bool narrow = header.descr == "<i4";
  if (!narrow && header.descr != "<i8") io::refuse_npy_dtype(file.path(), header, "int64");
  if (header.shape.size() != 2 || header.shape[1] != 2 || header.fortran_order) {
    throw Error(
        ErrorCode::unsupported,
        file.path() + ": pairs are a C-order array of shape [m, 2]; save numpy.stack([users, items], axis=1)");
  }
  io::check_npy_payload(file, header, narrow ? 4 : 8);
  return narrow ? read_npy_pairs<std::int32_t>(file, header) : read_npy_pairs<std::int64_t>(file, header);
}

// Two decimal numbers with a comma, a tab or spaces between; columns after them (a rating, a time) are ignored.
bool parse_pair(std::string_view text, std::int64_t& first, std::int64_t& second) {
  constexpr std::string_view separators = ", \t;";
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, first);
  if (error != std::errc() || stop == end || separators.find(*stop) == std::string_view::npos) return false;
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  const std::size_t begin = rest.find_first_not_of(separators);
  if (begin == std::string_view::npos) return false;
  const auto [last, second_error] = std::from_chars(stop + begin, end, second);
  return second_error == std::errc() && (last == end || separators.find(*last) != std::string_view::npos);
}

IdPairs read_text_pairs(const base::InputFile& file) {
  IdPairs pairs;
  io::LineReader lines(file, "a pair; write user,item on each line");
  for (std::string line; lines.next(line);) {
    const std::string_view text = io::trimmed(line);
    if (text.empty()) continue;
    std::int64_t first = 0;
    std::int64_t second = 0;
    if (parse_pair(text, first, second)) {
      pairs.first.push_back(first);
      pairs.second.push_back(second);
    } else if (lines.number() != 1) {  // the first line may hold the columns' names
      throw Error(ErrorCode::bad_format, file.path() + ": line " + std::to_string(lines.number()) + ": " +
                                             io::quoted(text) +
                                             " is no pair; write user,item as decimal numbers");
    }
  }
  return pairs;
}

}  // namespace

IdPairs read_id_pairs(const std::string& path) {
  return base::with_memory_for(path, "read its pairs", [&] {
    const base::InputFile file(path);
    return path.ends_with(".npy") ? read_npy_pairs(file) : read_text_pairs(file);
  });
}

}  // namespace maxdot
