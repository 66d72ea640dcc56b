// Which file a path leads to, and whether it was written since.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace maxdot::server {

struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;

  bool operator==(const FileIdentity&) const = default;
};

/// Nothing if `path` leads to no file that can be seen.
std::optional<FileIdentity> identity_of(const std::string& path) noexcept;

}  // namespace maxdot::server
