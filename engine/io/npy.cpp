#include "io/npy.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "base/checked.hpp"
#include "maxdot/error.hpp"

namespace maxdot::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files hold little-endian values, read as they are");

constexpr std::string_view magic("\x93NUMPY", 6);
// A plain array's header takes 128 bytes. The bound is that of format 1.0, and keeps a hostile
// length from allocating gigabytes.
constexpr std::uint64_t max_header_bytes = 65536;

// Parses the Python dict literal of a header: exactly the keys 'descr', 'fortran_order' and
// 'shape', in any order. No recursion: nesting occurs only in structured dtypes, which are skipped
// by counting brackets.
class HeaderParser {
 public:
  HeaderParser(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  NpyHeader parse() {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::uint64_t>> shape;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string_literal();
      expect(':');
      if (key == "descr" && !descr) {
        descr = parse_descr();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = parse_bool();
      } else if (key == "shape" && !shape) {
        shape = parse_shape();
      } else {
        fail("key " + quoted(key) + " is unknown or given twice");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (position_ != text_.size()) fail("text follows the closing brace");
    if (!descr || !fortran_order || !shape) fail("'descr', 'fortran_order' or 'shape' is missing");
    return {*descr, *fortran_order, *shape, 0};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::bad_format,
                path_ + ": bad .npy header: " + what + "; write the file again with numpy.save");
  }

  bool at_end() const { return position_ == text_.size(); }

  void skip_space() {
    while (!at_end() && std::strchr(" \t\r\n", text_[position_]) != nullptr &&
           text_[position_] != '\0')
      ++position_;
  }

  bool accept(char c) {
    skip_space();
    if (at_end() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("expected '") + c + "' at " + quoted(text_.substr(position_)));
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(position_, word.size()) != word) return false;
    position_ += word.size();
    return true;
  }

  // No key and no supported dtype needs an escape, so a backslash is left in and matches nothing.
  std::string_view string_literal() {
    skip_space();
    const char quote = at_end() ? '\0' : text_[position_];
    if (quote != '\'' && quote != '"')
      fail("expected a string at " + quoted(text_.substr(position_)));
    const std::size_t begin = position_ + 1;
    const std::size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos) fail("a string does not end");
    position_ = end + 1;
    return text_.substr(begin, end - begin);
  }

  bool parse_bool() {
    if (accept_word("False")) return false;
    if (accept_word("True")) return true;
    fail("fortran_order is neither True nor False");
  }

  std::string parse_descr() {
    skip_space();
    const std::size_t begin = position_;
    if (at_end() || (text_[begin] != '[' && text_[begin] != '('))
      return std::string(string_literal());
    std::size_t depth = 0;
    do {
      if (at_end()) fail("a bracket does not close");
      const char c = text_[position_];
      if (c == '\'' || c == '"') {
        string_literal();
        continue;
      }
      if (c == '[' || c == '(') ++depth;
      if (c == ']' || c == ')') --depth;
      ++position_;
    } while (depth > 0);
    return std::string(text_.substr(begin, position_ - begin));
  }

  std::vector<std::uint64_t> parse_shape() {
    std::vector<std::uint64_t> shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(parse_size());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::uint64_t parse_size() {
    skip_space();
    const std::string_view rest = text_.substr(position_);
    if (rest.starts_with('-')) fail("a size in the shape is negative: " + quoted(rest));
    std::uint64_t value = 0;
    const std::size_t begin = position_;
    for (; !at_end() && text_[position_] >= '0' && text_[position_] <= '9'; ++position_) {
      const auto digit = static_cast<std::uint64_t>(text_[position_] - '0');
      const auto tens = base::checked_mul(value, 10);
      const auto sum = tens ? base::checked_add(*tens, digit) : std::nullopt;
      if (!sum) fail("a size in the shape exceeds 64 bits");
      value = *sum;
    }
    if (position_ == begin) fail("expected a size at " + quoted(rest));
    if (!at_end() && text_[position_] == 'L') ++position_;  // Python 2 wrote long integers so
    return value;
  }

  const std::string& path_;
  std::string_view text_;
  std::size_t position_ = 0;
};

// "<f8" -> "float64"; "" for what is not of the form order-kind-bytes.
std::string words_for(std::string_view descr) {
  if (descr.starts_with('[') || descr.starts_with('(')) return "structured";
  const bool big = descr.starts_with('>');
  if (!descr.empty() && std::strchr("<>|=", descr[0]) != nullptr) descr.remove_prefix(1);
  if (descr.empty()) return "";
  const char kind = descr[0];
  if (kind == 'O') return "Python objects";
  if (kind == 'U' || kind == 'S' || kind == 'a') return "text";
  if (kind == 'V') return "raw bytes, perhaps bfloat16";
  if (kind == 'M' || kind == 'm') return "dates or times";
  const std::string order = big ? "big-endian " : "";
  for (const auto& [letter, name] : {std::pair<char, const char*>{'f', "float"},
                                     {'i', "int"},
                                     {'u', "uint"},
                                     {'c', "complex"},
                                     {'b', "bool"}}) {
    if (letter != kind) continue;
    if (kind == 'b') return name;
    if (descr.size() == 2 && descr[1] >= '1' && descr[1] <= '9')
      return order + name + std::to_string((descr[1] - '0') * 8);
    if (descr.substr(1) == "16") return order + name + "128";
  }
  return "";
}

}  // namespace

NpyHeader read_npy_header(const base::InputFile& file) {
  const auto bad = [&](const std::string& what) {
    return Error(ErrorCode::bad_format,
                 file.path() + ": " + what + "; write the file with numpy.save");
  };
  std::array<unsigned char, 12> start{};
  const std::uint64_t available = file.size();
  if (available < 10)
    throw bad("is too short for a .npy file (" + std::to_string(available) + " bytes)");
  file.read_at(0, start.data(), available < start.size() ? 10 : start.size());
  if (std::memcmp(start.data(), magic.data(), magic.size()) != 0)
    throw bad("does not start as a .npy file does");

  const unsigned major = start[6];
  if (major < 1 || major > 3 || start[7] != 0) {
    throw Error(ErrorCode::unsupported, file.path() + ": .npy format " + std::to_string(major) +
                                            "." + std::to_string(start[7]) +
                                            " is not supported; write 1.0, 2.0 or 3.0");
  }
  const std::uint64_t text_offset = major == 1 ? 10 : 12;
  std::uint64_t length = start[8] | std::uint64_t{start[9]} << 8;
  if (major > 1) length |= std::uint64_t{start[10]} << 16 | std::uint64_t{start[11]} << 24;
  if (available < text_offset || length > available - text_offset)
    throw bad("the header ends after the file does");
  if (length > max_header_bytes) {
    throw Error(ErrorCode::unsupported, file.path() + ": a .npy header of " +
                                            std::to_string(length) +
                                            " bytes is not supported; save a plain 2-D array");
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read_at(text_offset, text.data(), text.size());
  NpyHeader header = HeaderParser(file.path(), text).parse();
  header.data_offset = text_offset + length;
  return header;
}

void check_npy_payload(const base::InputFile& file, const NpyHeader& header,
                       std::uint64_t element_bytes) {
  std::optional<std::uint64_t> bytes = element_bytes;
  std::string shape;
  for (const std::uint64_t size : header.shape) {
    bytes = bytes ? base::checked_mul(*bytes, size) : std::nullopt;
    shape += (shape.empty() ? "" : " x ") + std::to_string(size);
  }
  const std::uint64_t present = file.size() - header.data_offset;
  if (bytes && *bytes == present) return;
  const std::string need = bytes ? std::to_string(*bytes) : std::string("more than 2^64");
  const char* what = bytes && *bytes < present ? "has trailing bytes" : "is cut short";
  throw Error(ErrorCode::bad_format, file.path() + ": " + what + ": its header says " + shape +
                                         " of '" + header.descr + "' = " + need + " bytes, " +
                                         std::to_string(present) +
                                         " are there; copy or write the file again");
}

void refuse_npy_dtype(const std::string& path, const NpyHeader& header, const char* wanted) {
  const std::string words = words_for(header.descr);
  const std::string advice = words == "structured"
                                 ? "save one plain array"
                                 : "convert with x.astype('" + std::string(wanted) + "')";
  throw Error(ErrorCode::unsupported, path + ": dtype " + quoted(header.descr) +
                                          (words.empty() ? "" : " (" + words + ")") +
                                          " is not supported; " + advice);
}

std::string make_npy_header(std::string_view descr, std::uint64_t rows, std::uint64_t cols) {
  std::string text = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (" +
                     std::to_string(rows) + ", " + std::to_string(cols) + "), }";
  constexpr std::size_t start_bytes = 10;
  while ((start_bytes + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string result(magic);
  result +=
      {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return result + text;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string result = "'";
  for (const char c : text.substr(0, longest)) result += c >= ' ' && c <= '~' ? c : '?';
  return result + (text.size() > longest ? "...'" : "'");
}

}  // namespace maxdot::io
