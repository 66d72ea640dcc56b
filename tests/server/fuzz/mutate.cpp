#include "mutate.hpp"

#include <array>
#include <limits>

namespace maxdot::server::fuzz {
namespace {

constexpr std::array<const char*, 32> kTokens = {"[",
                                                 "]",
                                                 "{",
                                                 "}",
                                                 "\"",
                                                 ",",
                                                 ":",
                                                 "null",
                                                 "true",
                                                 "NaN",
                                                 "-1",
                                                 "1e999",
                                                 "1e39",
                                                 "-0.0",
                                                 "1.5",
                                                 "0",
                                                 "9223372036854775807",
                                                 "9223372036854775808",
                                                 "18446744073709551616",
                                                 "\"data\":[",
                                                 "\"inputs\":[",
                                                 "\"shape\":[",
                                                 "\"datatype\":\"INT64\"",
                                                 "\"datatype\":\"FP16\"",
                                                 "\"parameters\":{\"binary_data_size\":4}",
                                                 "\"k\":0",
                                                 "\\u0000",
                                                 "\\ud800",
                                                 "\xff",
                                                 "[[[[[[[[",
                                                 "{\"a\":{\"a\":{\"a\":",
                                                 "\"outputs\":[{\"name\":\"ids\"}]"};

void change(Random& random, std::string& text) {
  const std::size_t at = text.empty() ? 0 : below(random, text.size());
  const std::size_t length =
      text.empty() ? 0 : 1 + below(random, std::min<std::size_t>(text.size() - at, 20));
  switch (below(random, 6)) {
    case 0:
      if (!text.empty()) text[at] = static_cast<char>(random());
      break;
    case 1:
      if (!text.empty()) text[at] = static_cast<char>(text[at] ^ (1 << below(random, 8)));
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(at, text.substr(at, length));
      break;
    case 4:
      text.insert(at, kTokens[below(random, kTokens.size())]);
      break;
    default:
      if (one_in(random, 4)) text.resize(at);
      break;
  }
}

}  // namespace

void mutate(Random& random, std::string& text) {
  for (std::size_t i = 1 + below(random, 4); i > 0; --i) change(random, text);
}

std::int64_t nasty(Random& random) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::array<std::int64_t, 10> values = {0,
                                               1,
                                               -1,
                                               2,
                                               8,
                                               9,
                                               kMost,
                                               -kMost - 1,
                                               std::int64_t{1} << 61,
                                               static_cast<std::int64_t>(random())};
  return values[below(random, values.size())];
}

}  // namespace maxdot::server::fuzz
