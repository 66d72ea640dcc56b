#include "base/cgroup.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
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

/// The whole number in a file of one line; infinity if there is none.
double number_of(const std::string& path) {
  const std::string text = text_of(path);
  std::string_view rest = text;
  return number(take(rest, '\n')).value_or(kUnlimited);
}

/// The number after `name` at the start of a line ("file 123", "MemAvailable:  123 kB"); 0 if there
/// is none.
double number_after(std::string_view text, std::string_view name) noexcept {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
    return number(take(line, ' ')).value_or(0.0);
  }
  return 0.0;
}

/// What is left of a limit.
double left_of(double limit, double used, double of_files) noexcept {
  if (limit == kUnlimited || used == kUnlimited) return kUnlimited;
  return std::max(0.0, limit - std::max(0.0, used - of_files));
}

double free_of_v2(const std::string& folder) {
  return left_of(number_of(folder + "/memory.max"), number_of(folder + "/memory.current"),
                 number_after(text_of(folder + "/memory.stat"), "file "));
}

double free_of_v1(const std::string& folder) {
  return left_of(number_of(folder + "/memory.limit_in_bytes"),
                 number_of(folder + "/memory.usage_in_bytes"),
                 number_after(text_of(folder + "/memory.stat"), "total_cache "));
}

bool names(std::string_view controllers, std::string_view name) noexcept {
  while (!controllers.empty()) {
    if (take(controllers, ',') == name) return true;
  }
  return false;
}

/// The least limit of the process's groups: limit_v2(folder) in version 2, limit_v1(folder) of the
/// controller `name` in version 1, which is mounted in one of `mounts`.
template <typename Limit>
double read_all(const std::string& root, std::string_view name,
                std::initializer_list<const char*> mounts, Limit&& limit_v2, Limit&& limit_v1) {
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
    if (names(controllers, name)) v1_path = line;
  }
  double found = least(mount, v2_path, limit_v2);
  for (const char* controller : mounts)
    found = std::min(found, least(mount + controller, v1_path, limit_v1));
  return found;
}

double address_space_left() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  const double taken = number_after(text_of("/proc/self/status"), "VmSize:") * 1024.0;
  return std::max(static_cast<double>(limit.rlim_cur) - taken, 0.0);
}

}  // namespace

double cgroup_cpus(const std::string& root) noexcept {
  try {
    return read_all(root, "cpu", {"/cpu", "/cpu,cpuacct"}, limit_of_v2, limit_of_v1);
  } catch (...) {
    return kUnlimited;  // no memory for a few paths: the search will say so better
  }
}

double cgroup_free_bytes(const std::string& root) noexcept {
  try {
    return read_all(root, "memory", {"/memory"}, free_of_v2, free_of_v1);
  } catch (...) {
    return kUnlimited;
  }
}

double free_bytes(const std::string& root) noexcept {
  try {
    const double kilobytes = number_after(text_of(root + "/proc/meminfo"), "MemAvailable:");
    return std::min({kilobytes > 0.0 ? kilobytes * 1024.0 : kUnlimited, cgroup_free_bytes(root),
                     address_space_left()});
  } catch (...) {
    return kUnlimited;
  }
}

}  // namespace maxdot::base
