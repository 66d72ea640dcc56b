#include "server/http/path.hpp"

#include <charconv>
#include <vector>

namespace maxdot::server {
namespace {

// Nothing: a % is not followed by two hexadecimal digits.
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    unsigned value = 0;
    const auto [stop, failed] =
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (failed != std::errc() || stop != text.data() + i + 3) return std::nullopt;
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

std::optional<std::vector<std::string>> segments_of(std::string_view target) {
  target = target.substr(0, target.find('?'));
  if (target.empty() || target.front() != '/') return std::nullopt;
  target.remove_prefix(1);
  if (target.ends_with('/')) target.remove_suffix(1);
  std::vector<std::string> segments;
  for (bool more = true; more;) {
    const std::size_t end = target.find('/');
    auto segment = decoded(target.substr(0, end));
    if (!segment) return std::nullopt;
    segments.push_back(std::move(*segment));
    more = end != std::string_view::npos;
    if (more) target.remove_prefix(end + 1);
  }
  return segments;
}

// From "/v2/models/NAME[/versions/VERSION]" on.
std::optional<Path> path_of_model(std::vector<std::string> segments) {
  Path path;
  path.model = segments[2];
  std::size_t next = 3;
  if (segments.size() >= 5 && segments[3] == "versions") {
    path.version = segments[4];
    next = 5;
  }
  if (segments.size() == next) {
    path.action = Action::model_metadata;
    return path;
  }
  if (segments.size() != next + 1) return std::nullopt;
  if (segments[next] == "ready") {
    path.action = Action::model_ready;
  } else if (segments[next] == "config") {
    path.action = Action::model_config;
  } else if (segments[next] == "infer") {
    path.action = Action::infer;
  } else {
    return std::nullopt;
  }
  return path;
}

std::optional<Path> path_of_repository(const std::vector<std::string>& segments) {
  if (segments.size() == 3 && segments[2] == "index") return Path{Action::index, {}, {}};
  if (segments.size() != 5 || segments[2] != "models") return std::nullopt;
  if (segments[4] == "load") return Path{Action::load, segments[3], {}};
  if (segments[4] == "unload") return Path{Action::unload, segments[3], {}};
  return std::nullopt;
}

// "/v1/models/NAME[/...]"
std::optional<Path> path_of_catalogue(const std::vector<std::string>& segments) {
  if (segments.size() < 3 || segments.size() > 4 || segments[1] != "models") return std::nullopt;
  if (segments.size() == 3) return Path{Action::catalogue_version, segments[2], {}};
  if (segments[3] == "stats") return Path{Action::catalogue_stats, segments[2], {}};
  if (segments[3] == "upsert") return Path{Action::upsert, segments[2], {}};
  if (segments[3] == "remove") return Path{Action::remove, segments[2], {}};
  return std::nullopt;
}

}  // namespace

std::optional<Path> path_of(std::string_view target) {
  auto found = segments_of(target);
  if (!found) return std::nullopt;
  std::vector<std::string>& segments = *found;
  if (segments.size() == 1 && segments[0] == "metrics") return Path{Action::metrics, {}, {}};
  if (segments[0] == "v1") return path_of_catalogue(segments);
  if (segments[0] != "v2") return std::nullopt;
  if (segments.size() == 1) return Path{Action::server_metadata, {}, {}};
  if (segments.size() == 3 && segments[1] == "health") {
    if (segments[2] == "live") return Path{Action::live, {}, {}};
    if (segments[2] == "ready") return Path{Action::ready, {}, {}};
    return std::nullopt;
  }
  if (segments.size() >= 3 && segments[1] == "models") return path_of_model(std::move(segments));
  if (segments.size() >= 3 && segments[1] == "repository") return path_of_repository(segments);
  return std::nullopt;
}

bool changes(Action action) noexcept {
  return action == Action::load || action == Action::unload || action == Action::upsert ||
         action == Action::remove;
}

const char* method_of(Action action) noexcept {
  switch (action) {
    case Action::infer:
    case Action::index:
    case Action::load:
    case Action::unload:
    case Action::upsert:
    case Action::remove:
      return "POST";
    case Action::live:
    case Action::ready:
    case Action::server_metadata:
    case Action::model_metadata:
    case Action::model_ready:
    case Action::model_config:
    case Action::catalogue_version:
    case Action::catalogue_stats:
    case Action::metrics:
      break;
  }
  return "GET";
}

}  // namespace maxdot::server
