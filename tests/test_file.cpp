// What lies under all files: reading, mapping, and replacing whole or not at all.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "base/file.hpp"
#include "files.hpp"
#include "maxdot/error.hpp"

namespace {

namespace fs = std::filesystem;
using namespace maxdot::test;
using maxdot::Error;
using maxdot::ErrorCode;
using maxdot::base::AtomicFile;
using maxdot::base::InputFile;
using maxdot::base::MappedFile;

}  // namespace

TEST_CASE("base: InputFile and MappedFile") {
  const Folder folder;
  InputFile file(folder.put("a", "0123456789"));
  CHECK(file.size() == 10);
  std::string part(4, ' ');
  file.read_at(3, part.data(), 4);
  CHECK(part == "3456");
  check_refused([&] { file.read_at(8, part.data(), 4); }, ErrorCode::bad_format, folder / "a",
                "ends at byte 10");
  check_refused([&] { file.read_at(~std::uint64_t{0}, part.data(), 4); }, ErrorCode::bad_format, folder / "a",
                "ends");
  MappedFile first(file);
  const MappedFile map(std::move(first));
  CHECK(std::string(map.data(), map.data() + map.size()) == "0123456789");
  CHECK(MappedFile(InputFile(folder.put("empty", ""))).size() == 0);
  const InputFile moved(std::move(file));
  moved.read_at(0, part.data(), 4);
  CHECK(part == "0123");
  check_refused([&] { InputFile{std::string()}; }, ErrorCode::io, "(empty path)", "cannot open");
}

TEST_CASE("base: AtomicFile replaces whole files only") {
  const Folder folder;
  const std::string path = folder.put("a", "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const std::string big(3000000, 'b');
  {
    AtomicFile file(path);
    file.write("new", 3);
    file.write(big.data(), big.size());
    AtomicFile moved(std::move(file));
    CHECK(folder.get("a") == "old");
  }
  CHECK(folder.get("a") == "old");
  CHECK(folder.entries() == 1);

  AtomicFile file(path);
  file.write("....", 4);
  file.write_at(1, "ab", 2);  // still in the buffer
  file.write(big.data(), big.size());
  for (int i = 0; i < 3000; ++i) file.write(big.data(), 1000);
  file.write_at(3, "cd", 2);  // long on its way to the disk
  file.write("end", 3);
  CHECK(file.written() == 6000007);
  check_refused([&] { file.write_at(6000006, "xy", 2); }, ErrorCode::invalid_argument, path, "past the bytes");
  file.commit();
  CHECK(folder.get("a") == ".abcd" + std::string(5999999, 'b') + "end");
  CHECK(folder.entries() == 1);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  check_refused([&] { file.write("x", 1); }, ErrorCode::io, path, "no longer");

  const mode_t mask = ::umask(027);
  AtomicFile(folder / "fresh").commit();
  ::umask(mask);
  REQUIRE(::stat((folder / "fresh").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("base: AtomicFile writes through links and refuses what is no file") {
  const Folder folder;
  fs::create_directory(folder / "sub");
  folder.put("sub/real", "old");
  fs::create_symlink("sub/link", folder / "outer");
  fs::create_symlink("real", folder / "sub/link");
  fs::create_symlink("sub/later", folder / "dangling");
  for (const auto& [link, real] : {std::pair{"outer", "sub/real"}, {"dangling", "sub/later"}}) {
    AtomicFile file(folder / link);
    file.write("new", 3);
    file.commit();
    CHECK(fs::is_symlink(folder / link));
    CHECK_FALSE(fs::is_symlink(folder / real));
    CHECK(folder.get(real) == "new");
  }
  fs::create_symlink("loop", folder / "loop");
  const auto refuse = [&](const std::string& path, const char* part) {
    check_refused([&] { AtomicFile file(path); }, ErrorCode::io, path, part);
  };
  refuse(folder / "sub", "is a directory");
  refuse(folder / "no/where", "does not exist; create it first");
  refuse(folder / "new/", "names no file");
  refuse(folder / "sub/real/x", "cannot write");
  refuse(folder / "loop", "cannot write");
  refuse("/dev/full", "not a regular file");
  CHECK(folder.entries() == 4);
}

TEST_CASE("base: AtomicFile keeps the old file when the disk refuses") {
  const Folder folder;
  const std::string path = folder.put("a", "old");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // a limit on file size stands for a full disk
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    int failures = 0;
    const std::string big(1 << 19, 'x');
    for (const bool at_commit : {false, true}) {
      AtomicFile file(path);
      limit.rlim_cur = 65536;
      ::setrlimit(RLIMIT_FSIZE, &limit);
      try {
        for (int i = 0; i < (at_commit ? 1 : 5); ++i) file.write(big.data(), big.size());
        if (at_commit) file.commit();
      } catch (const Error& error) {
        if (error.code() == ErrorCode::io && std::string(error.what()).starts_with(path)) ++failures;
      }
      limit.rlim_cur = before;
      ::setrlimit(RLIMIT_FSIZE, &limit);
      try {
        file.commit();  // there is room again, but this would publish a file with a hole
      } catch (const Error&) {
        ++failures;
      }
    }
    ::_exit(failures);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 4);
  CHECK(folder.get("a") == "old");
  CHECK(folder.entries() == 1);
}
