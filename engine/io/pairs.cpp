// read_id_pairs: pairs of ids from an array or a text file.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "io/lines.hpp"
#include "io/npy.hpp"
#include "io/pair_columns.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
inline namespace v0_1 {
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
    throw Error(ErrorCode::unsupported, file.path() +
                                            ": pairs are a C-order array of shape [m, 2]; save "
                                            "numpy.stack([users, items], axis=1)");
  }
  io::check_npy_payload(file, header, narrow ? 4 : 8);
  return narrow ? read_npy_pairs<std::int32_t>(file, header)
                : read_npy_pairs<std::int64_t>(file, header);
}

/// A whole cell, or nothing of it.
bool parse_id(std::string_view text, std::int64_t& id) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  return error == std::errc() && stop == end;
}

/// Two decimal numbers at the start of a line without names, with spaces, a comma, a semicolon or a
/// tab between; columns after them (a rating, a time) are ignored. An empty cell is no number.
bool parse_pair(std::string_view text, std::int64_t& first, std::int64_t& second) {
  constexpr std::string_view marks = ",;\t";
  const auto ends_at = [&](std::size_t at) {
    return at == text.size() || text[at] == ' ' || marks.find(text[at]) != std::string_view::npos;
  };
  const auto number_from = [&](std::size_t begin, std::int64_t& number) {
    const auto [stop, error] =
        std::from_chars(text.data() + begin, text.data() + text.size(), number);
    const auto at = static_cast<std::size_t>(stop - text.data());
    return error == std::errc() && ends_at(at) ? at : std::string_view::npos;
  };
  const auto skip_spaces = [&](std::size_t at) {
    return std::min(text.find_first_not_of(' ', at), text.size());
  };
  std::size_t at = number_from(0, first);
  if (at == std::string_view::npos) return false;
  at = skip_spaces(at);
  if (at < text.size() && marks.find(text[at]) != std::string_view::npos) at = skip_spaces(at + 1);
  return number_from(at, second) != std::string_view::npos;
}

class TextPairs {
 public:
  TextPairs(const base::InputFile& file, const PairColumns& columns)
      : file_(file), columns_(columns), lines_(file, "a pair; write user,item on each line") {}

  IdPairs read() {
    for (std::string line; lines_.next(line);) {
      std::string_view text = line;
      constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
      if (lines_.number() == 1 && text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
      if (io::trimmed(text).empty()) continue;
      while (text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
      text.remove_prefix(text.find_first_not_of(' '));  // but no tab: before it lies an empty cell
      std::int64_t user = 0;
      std::int64_t item = 0;
      const bool first = !std::exchange(started_, true);
      if (first ? parse_pair(text, user, item) : is_pair(text, user, item)) {
        if (first && !(columns_.user.empty() && columns_.item.empty())) refuse_names();
        pairs_.first.push_back(user);
        pairs_.second.push_back(item);
      } else if (first) {
        read_names(text);
      } else {
        throw Error(ErrorCode::bad_format, where() + io::quoted(text) + " is no pair; write " +
                                               wanted_ + " as decimal numbers");
      }
    }
    return std::move(pairs_);
  }

 private:
  std::string where() const {
    return file_.path() + ": line " + std::to_string(lines_.number()) + ": ";
  }

  [[noreturn]] void refuse_names() const {
    throw Error(ErrorCode::invalid_argument,
                where() + "there are no names of columns, but " +
                    io::quoted(columns_.user.empty() ? columns_.item : columns_.user) +
                    " is asked for; the first two are read");
  }

  void read_names(std::string_view text) {
    separator_ = io::separator_of(text);
    io::split_cells(text, separator_, text.size() + 1, cells_);
    const std::vector<std::string> names(cells_.begin(), cells_.end());
    const bool asked = !columns_.user.empty() || !columns_.item.empty();
    const bool numbers =
        !asked && std::none_of(names.begin(), names.end(), [](const std::string& name) {
          return std::any_of(name.begin(), name.end(),
                             [](unsigned char c) { return std::isalpha(c) != 0 || c >= 0x80; });
        });
    if (numbers || names.size() < 2) {
      throw Error(ErrorCode::bad_format,
                  where() + io::quoted(text) + " is no pair; write user,item as decimal numbers");
    }
    try {
      places_ = find_pair_columns(names, columns_);
    } catch (const Error& error) {
      throw Error(error.code(), where() + error.what());
    }
    named_ = true;
    wanted_ =
        "columns " + io::quoted(names[places_.user]) + " and " + io::quoted(names[places_.item]);
  }

  bool is_pair(std::string_view text, std::int64_t& user, std::int64_t& item) {
    if (!named_) return parse_pair(text, user, item);
    const bool usual = separator_ == ' ' || text.find(separator_) != std::string_view::npos;
    io::split_cells(text, usual ? separator_ : io::separator_of(text),
                    std::max(places_.user, places_.item) + 1, cells_);
    return cells_.size() > std::max(places_.user, places_.item) &&
           parse_id(cells_[places_.user], user) && parse_id(cells_[places_.item], item);
  }

  const base::InputFile& file_;
  const PairColumns& columns_;
  io::LineReader lines_;
  IdPairs pairs_;
  std::vector<std::string_view> cells_;
  PairPlaces places_;
  std::string wanted_ = "user,item";
  char separator_ = ',';
  bool started_ = false;
  bool named_ = false;
};

}  // namespace

IdPairs read_id_pairs(const std::string& path, const PairColumns& columns) {
  return base::file_entry(path, "read its pairs", [&] {
    const base::InputFile file(path);
    if (!path.ends_with(".npy")) return TextPairs(file, columns).read();
    if (!columns.user.empty() || !columns.item.empty()) {
      throw Error(ErrorCode::invalid_argument,
                  path + ": an array has no names of columns; its first holds the users");
    }
    return read_npy_pairs(file);
  });
}

}  // namespace v0_1
}  // namespace maxdot
