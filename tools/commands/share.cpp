#include "commands/share.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <optional>
#include <string>

namespace maxdot::tools {
namespace {

constexpr std::uint64_t kMostShares = std::uint64_t{1} << 20;

std::optional<Share> parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  Share share;
  const auto number = [](const char* begin, const char* end, std::uint64_t& value) {
    const auto [stop, error] = std::from_chars(begin, end, value);
    return error == std::errc() && stop == end;
  };
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (!number(begin, begin + slash, share.number) || !number(begin + slash + 1, end, share.shares))
    return std::nullopt;
  if (share.number >= share.shares || share.shares > kMostShares) return std::nullopt;
  return share;
}

}  // namespace

ShareRows Share::of(std::size_t rows) const noexcept {
  // rows * number may not fit 64 bits.
  const std::size_t each = rows / shares;
  const std::size_t rest = rows % shares;
  const auto begin_of = [&](std::uint64_t i) { return i * each + i * rest / shares; };
  return {begin_of(number), begin_of(number + 1)};
}

CLI::Option* add_share(CLI::App& command, Share& share) {
  return command
      .add_option_function<std::string>(
          "--share",
          [&share](const std::string& text) {
            const std::optional<Share> parsed = parse(text);
            if (!parsed) {
              throw CLI::ValidationError(
                  "--share", "'" + text + "' is no share; write I/N, such as 0/20 to 19/20");
            }
            share = *parsed;
          },
          "Score one of N parts of the users, I = 0 to N - 1; the results hold its users alone")
      ->type_name("I/N");
}

}  // namespace maxdot::tools
