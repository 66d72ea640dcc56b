// PairFile: pairs of ids from an array or a text file.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <memory>
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

/// Where pairs come from.
class PairSource {
 public:
  PairSource() = default;
  PairSource(const PairSource&) = delete;
  PairSource& operator=(const PairSource&) = delete;
  virtual ~PairSource() = default;

  /// Appends the next pairs, `most` at most. Fewer come only at the end. Throws Error.
  virtual void append_next(IdPairs& pairs, std::size_t most) = 0;
  /// How many there are, if that is known before they are read.
  virtual std::size_t count() const { return 0; }
};

class NpyPairs final : public PairSource {
 public:
  explicit NpyPairs(const base::InputFile& file) : file_(file), header_(io::read_npy_header(file)) {
    narrow_ = header_.descr == "<i4";
    if (!narrow_ && header_.descr != "<i8") io::refuse_npy_dtype(file.path(), header_, "int64");
    if (header_.shape.size() != 2 || header_.shape[1] != 2 || header_.fortran_order) {
      throw Error(ErrorCode::unsupported, file.path() +
                                              ": pairs are a C-order array of shape [m, 2]; save "
                                              "numpy.stack([users, items], axis=1)");
    }
    io::check_npy_payload(file, header_, narrow_ ? 4 : 8);
  }

  std::size_t count() const override { return static_cast<std::size_t>(header_.shape[0]); }

  void append_next(IdPairs& pairs, std::size_t most) override {
    const std::size_t last = done_ + std::min(most, count() - done_);
    while (done_ < last) {
      const std::size_t n = std::min(last - done_, block_pairs);
      if (narrow_) {
        append(pairs, narrow_block_, n);
      } else {
        append(pairs, wide_block_, n);
      }
      done_ += n;
    }
  }

 private:
  static constexpr std::size_t block_pairs = 65536;

  template <typename T>
  void append(IdPairs& pairs, std::vector<T>& block, std::size_t n) {
    block.resize(2 * n);
    const std::size_t bytes = n * 2 * sizeof(T);
    file_.read_at(header_.data_offset + done_ * 2 * sizeof(T), block.data(), bytes);
    for (std::size_t i = 0; i < n; ++i) {
      pairs.first.push_back(block[2 * i]);
      pairs.second.push_back(block[2 * i + 1]);
    }
  }

  const base::InputFile& file_;
  io::NpyHeader header_;
  bool narrow_ = false;
  std::size_t done_ = 0;
  std::vector<std::int32_t> narrow_block_;
  std::vector<std::int64_t> wide_block_;
};

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

class TextPairs final : public PairSource {
 public:
  TextPairs(const base::InputFile& file, PairColumns columns)
      : file_(file),
        columns_(std::move(columns)),
        lines_(file, longest_line, "a pair; write user,item on each line") {}

  void append_next(IdPairs& pairs, std::size_t most) override {
    while (most > 0 && lines_.next(line_)) {
      std::string_view text = line_;
      if (io::trimmed(text).empty()) continue;
      while (text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
      text.remove_prefix(text.find_first_not_of(' '));  // but no tab: before it lies an empty cell
      std::int64_t user = 0;
      std::int64_t item = 0;
      const bool first = !std::exchange(started_, true);
      // Behind the pair, too: the next line, the rest of that cell, might look like a pair.
      if (io::has_open_quote(text)) {
        throw Error(ErrorCode::bad_format,
                    where() +
                        "a cell in quotes does not end on its line; write the file without that "
                        "column, or without line breaks in cells");
      }
      if (first ? parse_pair(text, user, item) : is_pair(text, user, item)) {
        if (first && !(columns_.user.empty() && columns_.item.empty())) refuse_names();
        pairs.first.push_back(user);
        pairs.second.push_back(item);
        --most;
      } else if (first) {
        read_names(text);
      } else {
        throw Error(ErrorCode::bad_format, where() + io::quoted(text) + " is no pair; write " +
                                               wanted_ + " as decimal numbers");
      }
    }
  }

 private:
  static constexpr std::size_t longest_line = std::size_t{1} << 20;

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
  PairColumns columns_;
  io::LineReader lines_;
  std::string line_;
  std::vector<std::string_view> cells_;
  PairPlaces places_;
  std::string wanted_ = "user,item";
  char separator_ = ',';
  bool started_ = false;
  bool named_ = false;
};

std::unique_ptr<PairSource> source_of(const base::InputFile& file, const PairColumns& columns) {
  if (!file.path().ends_with(".npy")) return std::make_unique<TextPairs>(file, columns);
  if (!columns.user.empty() || !columns.item.empty()) {
    throw Error(ErrorCode::invalid_argument,
                file.path() + ": an array has no names of columns; its first holds the users");
  }
  return std::make_unique<NpyPairs>(file);
}

}  // namespace

struct PairFile::Impl {
  Impl(const std::string& path, const PairColumns& columns)
      : file(path), source(source_of(file, columns)) {}

  base::InputFile file;
  std::unique_ptr<PairSource> source;
};

PairFile::PairFile(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
PairFile::PairFile(PairFile&&) noexcept = default;
PairFile& PairFile::operator=(PairFile&&) noexcept = default;
PairFile::~PairFile() = default;

PairFile PairFile::open(const std::string& path, const PairColumns& columns) {
  return base::file_entry(path, "read its pairs",
                          [&] { return PairFile(std::make_unique<Impl>(path, columns)); });
}

bool PairFile::next(IdPairs& pairs, std::size_t most) {
  if (impl_ == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "this PairFile is empty: it was moved from; open another");
  }
  return base::file_entry(impl_->file.path(), "read its pairs", [&] {
    if (most == 0) {
      throw Error(ErrorCode::invalid_argument,
                  impl_->file.path() + ": 0 pairs are asked for; ask for 1 or more");
    }
    pairs.first.clear();
    pairs.second.clear();
    impl_->source->append_next(pairs, most);
    return !pairs.first.empty();
  });
}

IdPairs read_id_pairs(const std::string& path, const PairColumns& columns) {
  return base::file_entry(path, "read its pairs", [&] {
    const base::InputFile file(path);
    const std::unique_ptr<PairSource> source = source_of(file, columns);
    IdPairs pairs;
    pairs.first.reserve(source->count());
    pairs.second.reserve(source->count());
    source->append_next(pairs, std::numeric_limits<std::size_t>::max());
    return pairs;
  });
}

}  // namespace v0_1
}  // namespace maxdot
