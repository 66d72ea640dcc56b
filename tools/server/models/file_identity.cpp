#include "server/models/file_identity.hpp"

#include <sys/stat.h>

namespace maxdot::server {

std::optional<FileIdentity> identity_of(const std::string& path) noexcept {
  struct stat told {};
  if (stat(path.c_str(), &told) != 0) return std::nullopt;
  return FileIdentity{told.st_dev, told.st_ino, told.st_size, told.st_mtim.tv_sec,
                      told.st_mtim.tv_nsec};
}

}  // namespace maxdot::server
