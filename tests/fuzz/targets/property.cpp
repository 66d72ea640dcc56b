#include "property.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace fuzz {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    const char* given = std::getenv("TMPDIR");
    std::error_code none;
    const bool shared = given == nullptr && fs::is_directory("/dev/shm", none);
    path_ = (shared ? fs::path("/dev/shm") : fs::temp_directory_path()) / "maxdot-fuzz-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) broken("a folder can be made in " + path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace

void broken(const std::string& rule) {
  std::fprintf(stderr, "does not hold: %s\n", rule.c_str());
  std::abort();
}

const std::string& memory_folder() {
  static const Folder folder;
  return folder.path();
}

std::string put(const std::string& name, std::span<const std::uint8_t> bytes) {
  const std::string path = memory_folder() + "/" + name;
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) broken("a file can be made: " + path);
  if (::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    broken("a file can be written: " + path);
  ::close(fd);
  return path;
}

void clear_memory_folder() {
  for (const fs::directory_entry& entry : fs::directory_iterator(memory_folder()))
    fs::remove_all(entry.path());
}

}  // namespace fuzz
