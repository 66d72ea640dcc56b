#include "io/pair_columns.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/entry.hpp"
#include "io/lines.hpp"
#include "io/npy.hpp"
#include "maxdot/error.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

// Each alone or with one of kEndings. include/maxdot/io.hpp names them.
constexpr std::array<std::string_view, 7> kUserNames = {"user",     "u",       "query", "q",
                                                        "customer", "visitor", "reader"};
constexpr std::array<std::string_view, 14> kItemNames = {
    "item", "i",    "movie", "product", "article", "document", "doc",
    "book", "song", "track", "video",   "news",    "sku",      "asset"};
constexpr std::array<std::string_view, 6> kEndings = {"", "id", "idx", "index", "row", "number"};

/// Lower case, letters only: "User_ID" and "userId" are "userid".
std::string plain(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
    if (c >= 'a' && c <= 'z') letters += c;
  }
  return letters;
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& known) {
  const std::string letters = plain(name);
  return std::any_of(known.begin(), known.end(), [&](std::string_view start) {
    return letters.starts_with(start) &&
           std::find(kEndings.begin(), kEndings.end(),
                     std::string_view(letters).substr(start.size())) != kEndings.end();
  });
}

bool is_user(std::string_view name) { return is_one_of(name, kUserNames); }
bool is_item(std::string_view name) { return is_one_of(name, kItemNames); }

/// What a data frame's row labels are called when it is written: nothing, and by pandas, when such
/// a file was read again.
bool is_row_label(std::string_view name) { return name.empty() || name.starts_with("Unnamed: "); }

bool is_number(std::string_view name) {
  return name.find_first_of("0123456789") != std::string_view::npos &&
         name.find_first_not_of("0123456789.+-eE") == std::string_view::npos;
}

class Header {
 public:
  explicit Header(std::span<const std::string> names) : names_(names) {}

  PairPlaces places(const PairColumns& columns) const {
    for (const std::string& name : names_) {
      const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
      if (std::any_of(name.begin(), name.end(), control)) {
        refuse(
            "hold a control character (carriage returns alone end no line); write the file with "
            "line feeds");
      }
    }
    auto user = place(columns.user, is_user, "user");
    auto item = place(columns.item, is_item, "item");
    if (!user || !item) complete(columns, user, item);
    if (*user == *item) refuse("name one column for both, users and items");
    return {*user, *item};
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    std::string list;
    for (const std::string& name : names_) list += (list.empty() ? "" : ", ") + io::quoted(name);
    throw Error(ErrorCode::bad_format,
                "the columns " + list + " " + what +
                    "; call them user and item, or say which they are (--user-column and "
                    "--item-column, in Python columns=)");
  }

  std::optional<std::size_t> place(const std::string& wanted, bool (*is_known)(std::string_view),
                                   const char* what) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (wanted.empty() ? !is_known(names_[i]) : names_[i] != wanted) continue;
      if (found) refuse(std::string("hold more than one that may be the ") + what + "'s");
      found = i;
    }
    if (!found && !wanted.empty()) refuse("do not hold " + io::quoted(wanted));
    return found;
  }

  /// One name or both are not known: only two columns can be meant then, in the order user, item
  /// unless the caller named one.
  void complete(const PairColumns& columns, std::optional<std::size_t>& user,
                std::optional<std::size_t>& item) const {
    const std::size_t first = names_.size() == 3 && is_row_label(names_[0]) ? 1 : 0;
    if (names_.size() != first + 2) refuse("do not tell which is the user's and which the item's");
    for (std::size_t i = first; i < first + 2; ++i) {
      if (is_row_label(names_[i]) || is_number(names_[i])) refuse("have a name that is none");
    }
    const bool named = !columns.user.empty() || !columns.item.empty();
    if (!named && ((user && *user != first) || (item && *item != first + 1))) {
      refuse("seem to hold the item first and the user second");
    }
    if (!user) user = item ? 2 * first + 1 - *item : first;
    if (!item) item = 2 * first + 1 - *user;
  }

  std::span<const std::string> names_;
};

}  // namespace

PairPlaces find_pair_columns(std::span<const std::string> names, const PairColumns& columns) {
  return base::entry([] { return std::string("no memory for the names of columns"); },
                     [&] { return Header(names).places(columns); });
}

}  // namespace v0_1
}  // namespace maxdot

namespace maxdot::io {

char separator_of(std::string_view line) {
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ',' || c == ';' || c == '\t')) return c;
  }
  return ' ';
}

void split_cells(std::string_view line, char separator, std::size_t most,
                 std::vector<std::string_view>& cells) {
  cells.clear();
  std::size_t begin = 0;
  while (cells.size() < most) {
    if (separator == ' ') {
      begin = line.find_first_not_of(' ', begin);
      if (begin == std::string_view::npos) return;
    }
    std::size_t end = begin;
    for (bool quoted = false; end < line.size() && (quoted || line[end] != separator); ++end) {
      if (line[end] == '"') quoted = !quoted;
    }
    std::string_view cell = trimmed(line.substr(begin, end - begin));
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"')
      cell = trimmed(cell.substr(1, cell.size() - 2));
    cells.push_back(cell);
    if (end == line.size()) return;
    begin = end + 1;
  }
}

bool has_open_quote(std::string_view line) {
  constexpr std::size_t none = std::string_view::npos;
  if (line.find('"') == none) return false;
  const char separator = separator_of(line);
  std::size_t at = 0;
  while ((at = line.find_first_not_of(' ', at)) != none) {
    if (line[at] == '"') {
      at = line.find('"', at + 1);
      while (at != none && line.substr(at + 1).starts_with('"')) at = line.find('"', at + 2);
      if (at == none) return true;
    }
    at = line.find(separator, at);
    if (at == none) return false;
    ++at;
  }
  return false;
}

}  // namespace maxdot::io
