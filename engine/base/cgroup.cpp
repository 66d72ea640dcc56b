#include "base/cgroup.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

namespace maxdot::base {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();
// Longer than any of these files is in practice; what stands beyond is not read.
constexpr std::size_t kMostBytes = 1 << 16;
// PATH_MAX: no file can be opened below a longer path.
constexpr std::size_t kMostPath = 4096;

std::string text_of(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(path.c_str(), "re"),
      [](std::FILE* open) { return open == nullptr ? 0 : std::fclose(open); });
  if (!file) return {};
  std::string text(kMostBytes, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

/// Takes what stands before `end` off the front of `text`, and `end` itself.
std::string_view take(std::string_view& text, char end) noexcept {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

/// A positive whole number. "max", "-1" and anything odd are none.
std::optional<double> number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || stop != text.data() + text.size() || value == 0) return std::nullopt;
  return static_cast<double>(value);
}

double cpus(std::string_view quota, std::string_view period) noexcept {
  const std::optional<double> granted = number(quota);
  const std::optional<double> of = number(period);
  return granted && of ? *granted / *of : kUnlimited;
}

/// Version 2: "QUOTA PERIOD" in one file.
double limit_of_v2(const std::string& folder) {
  const std::string text = text_of(folder + "/cpu.max");
  std::string_view rest = text;
  std::string_view line = take(rest, '\n');
  const std::string_view quota = take(line, ' ');
  return cpus(quota, line);
}

/// Version 1: a file for each.
double limit_of_v1(const std::string& folder) {
  const std::string quota = text_of(folder + "/cpu.cfs_quota_us");
  const std::string period = text_of(folder + "/cpu.cfs_period_us");
  std::string_view quota_rest = quota;
  std::string_view period_rest = period;
  return cpus(take(quota_rest, '\n'), take(period_rest, '\n'));
}

/// The least limit of the group `path` and its ancestors up to the mount. In a container the mount
/// may be the process's own group while `path` is still the host's: folders that are not there
/// limit nothing, the mount itself counts always.
template <typename Limit>
double least(const std::string& mount, std::string_view path, Limit&& limit) {
  double found = limit(mount);
  // A path that leads out of the mount ("/../other") names a group that cannot be seen from here.
  if (path.size() > kMostPath || (std::string(path) + "/").find("/../") != std::string::npos)
    return found;
  while (path.size() > 1) {
    found = std::min(found, limit(mount + std::string(path)));
    path = path.substr(0, path.rfind('/'));
  }
  return found;
}

bool names_cpu(std::string_view controllers) noexcept {
  while (!controllers.empty()) {
    if (take(controllers, ',') == "cpu") return true;
  }
  return false;
}

double read_all(const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  const std::string groups = text_of(root + "/proc/self/cgroup");
  std::string_view v2_path = "/";
  std::string_view v1_path = "/";
  // "0::/path" for version 2, "4:cpu,cpuacct:/path" for version 1.
  for (std::string_view rest = groups; !rest.empty();) {
    std::string_view line = take(rest, '\n');
    const std::string_view hierarchy = take(line, ':');
    const std::string_view controllers = take(line, ':');
    if (!line.starts_with('/')) continue;
    if (hierarchy == "0" && controllers.empty()) v2_path = line;
    if (names_cpu(controllers)) v1_path = line;
  }
  double found = least(mount, v2_path, limit_of_v2);
  for (const char* name : {"/cpu", "/cpu,cpuacct"})
    found = std::min(found, least(mount + name, v1_path, limit_of_v1));
  return found;
}

}  // namespace

double cgroup_cpus(const std::string& root) noexcept {
  try {
    return read_all(root);
  } catch (...) {
    return kUnlimited;  // no memory for a few paths: the search will say so better
  }
}

}  // namespace maxdot::base
