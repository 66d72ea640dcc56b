// Metrics by name: the project's own names, and those of other libraries.
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/entry.hpp"
#include "maxdot/error.hpp"
#include "maxdot/types.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

struct Name {
  std::string_view text;
  Metric metric;
};

constexpr std::array kNames = {
    Name{"dot", Metric::dot},           Name{"ip", Metric::dot},
    Name{"inner_product", Metric::dot}, Name{"cosine", Metric::cosine},
    Name{"cos", Metric::cosine},        Name{"euclidean", Metric::euclidean},
    Name{"l2", Metric::euclidean},
};

// [characters] A longer text is none of the names, whatever was mistyped.
constexpr std::size_t kLongest = 16;
// [characters] That may be wrong in a name of which a user may be reminded.
constexpr std::size_t kMistyped = 2;

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// How many characters to insert, remove or replace make one text of the other (Levenshtein).
/// Requires both to have kLongest characters at most.
std::size_t edits(std::string_view a, std::string_view b) {
  std::array<std::size_t, kLongest + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

// Fit for a message of one line, whatever a caller gave.
std::string printable(std::string_view text) {
  std::string shown(text.substr(0, 4 * kLongest));
  if (shown.size() < text.size()) {  // not in the middle of a character of UTF-8
    const auto has = [&shown](int mask, int bits) {
      return !shown.empty() && (static_cast<unsigned char>(shown.back()) & mask) == bits;
    };
    while (has(0xC0, 0x80)) shown.pop_back();
    if (has(0xC0, 0xC0)) shown.pop_back();
  }
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return shown + (shown.size() < text.size() ? "..." : "");
}

[[noreturn]] void refuse(std::string_view name, std::string_view in_small) {
  std::string hint;
  if (in_small.size() <= kLongest) {
    const auto nearest =
        std::min_element(kNames.begin(), kNames.end(), [&](const Name& a, const Name& b) {
          return edits(in_small, a.text) < edits(in_small, b.text);
        });
    // A short text is as near to every short name.
    const std::size_t far = std::min(kMistyped, nearest->text.size() / 2);
    if (edits(in_small, nearest->text) <= far)
      hint = " did you mean '" + std::string(nearest->text) + "'?";
  }
  throw Error(ErrorCode::invalid_argument,
              "metric: '" + printable(name) + "' is no metric;" + hint +
                  " there are dot (ip, inner_product), cosine (cos) and euclidean (l2)");
}

}  // namespace

Metric metric_named(std::string_view name) {
  return base::entry([] { return std::string("metric: not enough memory to read its name"); },
                     [&] {
                       std::string in_small(name.substr(0, kLongest + 1));
                       std::transform(in_small.begin(), in_small.end(), in_small.begin(), small);
                       for (const Name& known : kNames) {
                         if (known.text == in_small) return known.metric;
                       }
                       refuse(name, in_small);
                     });
}

}  // namespace v0_1
}  // namespace maxdot
