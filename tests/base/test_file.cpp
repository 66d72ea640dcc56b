// What lies under all files: reading, mapping, and replacing whole or not at all.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/file.hpp"
#include "base/folder.hpp"
#include "base/system_call.hpp"
#include "base/temporary.hpp"
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
using maxdot::base::Temporary;

/// The rename after so many fails. -1: none does.
int renames_until_failure = -1;

/// What `child` returns, run in a process of its own: 0 to 255.
template <typename Child>
int in_a_child(Child child) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) ::_exit(child());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status;
}

void replace(const std::string& path, const std::string& bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace

// In the place of the C library's.
extern "C" int rename(const char* from, const char* to) noexcept {
  if (renames_until_failure >= 0 && renames_until_failure-- == 0) {
    errno = EIO;
    return -1;
  }
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}

TEST_CASE("base: InputFile and MappedFile") {
  const Folder folder;
  InputFile file(folder.put("a", "0123456789"));
  CHECK(file.size() == 10);
  std::string part(4, ' ');
  file.read_at(3, part.data(), 4);
  CHECK(part == "3456");
  check_refused([&] { file.read_at(8, part.data(), 4); }, ErrorCode::bad_format, folder / "a",
                "ends at byte 10");
  check_refused([&] { file.read_at(~std::uint64_t{0}, part.data(), 4); }, ErrorCode::bad_format,
                folder / "a", "ends");
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
  check_refused([&] { file.write_at(6000006, "xy", 2); }, ErrorCode::invalid_argument, path,
                "past the bytes");
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

TEST_CASE("base: folders are made with those above them") {
  const Folder folder;
  for (const char* name : {"a", "a", "b/c/d", "b/c/e/", "b/./f"}) {
    maxdot::base::make_folders(folder / name);
    CHECK(fs::is_directory(folder / name));
  }
  folder.put("file", "");
  for (const char* name : {"file", "file/x"}) {
    check_refused([&] { maxdot::base::make_folders(folder / name); }, ErrorCode::io, folder / name,
                  "cannot make the folder");
  }
  CHECK(maxdot::base::sync_folder(folder / "none") == ENOENT);
  CHECK(maxdot::base::sync_folder(folder / "a") == 0);
  CHECK(maxdot::base::exists(folder / "a"));
  CHECK_FALSE(maxdot::base::exists(folder / "none"));
  CHECK_FALSE(maxdot::base::exists(folder / "file/x"));
  fs::create_symlink("loop", folder / "loop");
  check_refused([&] { maxdot::base::exists(folder / "loop"); }, ErrorCode::io, folder / "loop",
                "cannot look at it");
  CHECK(maxdot::base::folder_of("name") == ".");
  CHECK(maxdot::base::folder_of("/name") == "/");
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
        if (error.code() == ErrorCode::io && std::string(error.what()).starts_with(path))
          ++failures;
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

TEST_CASE("base: a path with a NUL is refused, and what stands before it is not touched") {
  const Folder folder;
  folder.put("victim", "old");
  const std::string path = folder / std::string("victim\0.maxdot", 14);
  const std::string shown = folder / "victim\\0.maxdot";
  check_refused([&] { AtomicFile file(path); }, ErrorCode::invalid_argument, shown, "NUL");
  check_refused([&] { InputFile file(path); }, ErrorCode::invalid_argument, shown, "NUL");
  CHECK(folder.get("victim") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("base: a call that a signal interrupts is made again") {
  int calls = 0;
  const auto call = [&](int error, int times) {
    calls = 0;
    return maxdot::base::uninterrupted([&] {
      errno = error;
      return ++calls > times ? 7 : -1;
    });
  };
  CHECK(call(EINTR, 3) == 7);
  CHECK(calls == 4);
  CHECK(call(EIO, 3) == -1);
  CHECK(calls == 1);
}

TEST_CASE("base: temporaries of dead processes are removed, those of living ones are not") {
  const Folder folder;
  const std::string root = folder / "";
  const std::string path = folder.put("a", "old");
  // A process that died between the naming and the renaming.
  REQUIRE(in_a_child([&] {
            Temporary file(root, 0600, path);
            ::_exit(file.give_name() == 0 ? 1 : 0);  // no destructor runs
            return 0;
          }) == 1);
  CHECK(folder.entries() == 2);
  folder.put(".maxdot-1-2.tmp", "left by process 1, which lives but does not hold the lock");
  folder.put(".maxdot-1-.tmp", "another name");
  folder.put(".maxdot-x-1.tmp", "another name");
  folder.put(".maxdot-1-2.tmp.maxdot", "another name");
  fs::create_directory(folder / ".maxdot-3-4.tmp");
  fs::create_symlink("a", folder / ".maxdot-5-6.tmp");
  Temporary living(root, 0600, path);
  REQUIRE(living.give_name() == 0);
  CHECK(folder.entries() == 9);
  AtomicFile file(path);
  CHECK(folder.entries() == 7);
  CHECK_FALSE(fs::exists(folder / ".maxdot-1-2.tmp"));
  CHECK(folder.get("a") == "old");
  CHECK(living.rename_to(folder / "b") == 0);
  CHECK(fs::exists(folder / "b"));
}

TEST_CASE("base: a writer that is killed leaves nothing that the next one does not remove") {
  const Folder folder;
  const std::string path = folder.put("a", "old");
  for (int part = 0; part < 4; ++part) {
    in_a_child([&] {
      AtomicFile file(path);
      const std::string big(3 << 20, 'x');
      if (part > 0) file.write(big.data(), big.size());
      if (part > 1) file.write("end", 3);
      if (part > 2) file.write_at(5, "abc", 3);
      ::_exit(0);  // as SIGKILL would: no destructor runs
      return 0;
    });
    replace(folder / "b", "other");
    CHECK(folder.get("a") == "old");
    CHECK(folder.entries() == 2);
  }
}

TEST_CASE("base: a file that is replaced keeps owner, group and mode, or permits less") {
  if (::geteuid() != 0) {
    MESSAGE("only root can give files to others");
    return;
  }
  const Folder folder;
  const std::string path = folder.put("a", "old");
  REQUIRE(::chown(path.c_str(), 12345, 23456) == 0);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  replace(path, "new");
  struct stat status = status_of(path);
  CHECK(status.st_uid == 12345);
  CHECK(status.st_gid == 23456);
  CHECK((status.st_mode & 0777) == 0640);

  // Somebody who may write in the folder but not give files away.
  REQUIRE(::chmod((folder / "").c_str(), 0777) == 0);
  const auto replaced_by = [&](mode_t mode, uid_t user, gid_t group) {
    folder.put("a", "old");
    REQUIRE(::chown(path.c_str(), 12345, 23456) == 0);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    REQUIRE(in_a_child([&] {
              if (::setgroups(0, nullptr) != 0 || ::setgid(group) != 0 || ::setuid(user) != 0)
                return 1;
              try {
                replace(path, "new");
              } catch (const Error&) {
                return 2;
              }
              return 0;
            }) == 0);
    CHECK(folder.get("a") == "new");
    status = status_of(path);
    CHECK(status.st_uid == user);
    CHECK(status.st_gid == group);
    return status.st_mode & 0777;
  };
  CHECK(replaced_by(0640, 777, 888) == 0600);  // the group is another: it was nobody
  CHECK(replaced_by(0664, 777, 888) == 0644);
  CHECK(replaced_by(0604, 777, 888) == 0600);    // the old group, shut out, would be others now
  CHECK(replaced_by(0640, 777, 23456) == 0640);  // the group is the same
  CHECK(replaced_by(0466, 777, 23456) == 0444);  // the old owner would be others now
}

TEST_CASE("base: two files that belong together appear together, or none does") {
  const Folder folder;
  const auto commit = [&](const std::string& first_name, const std::string& second_name,
                          auto&& before) {
    AtomicFile first(first_name);
    AtomicFile second(second_name);
    first.write("new first", 9);
    second.write("new second", 10);
    before();
    AtomicFile::commit_both(first, second);
  };
  const std::string first = folder / "first";
  const std::string second = folder / "second";
  commit(first, second, [] {});
  CHECK(folder.get("first") == "new first");
  CHECK(folder.get("second") == "new second");
  CHECK(folder.entries() == 2);
  folder.put("first", "old first");
  folder.put("second", "old second");
  commit(first, second, [] {});
  CHECK(folder.get("first") == "new first");
  CHECK(folder.get("second") == "new second");
  CHECK(folder.entries() == 2);

  // A folder in the place of one of them: the renaming fails.
  const auto block = [&](const std::string& path) {
    fs::remove(path);
    fs::create_directory(path);
  };
  folder.put("first", "old first");
  folder.put("second", "old second");
  check_refused([&] { commit(first, second, [&] { block(first); }); }, ErrorCode::io, first,
                "cannot finish");
  CHECK(folder.get("second") == "old second");
  CHECK(folder.entries() == 2);
  fs::remove(first);
  check_refused([&] { commit(first, second, [&] { block(second); }); }, ErrorCode::io, second,
                "cannot");
  CHECK_FALSE(fs::exists(first));
  CHECK(folder.entries() == 1);
  fs::remove(second);

  // The renaming of the one or of the other fails.
  for (const bool existed : {true, false}) {
    for (const int failing : {0, 1}) {
      if (existed) folder.put("first", "old first");
      if (existed) folder.put("second", "old second");
      check_refused([&] { commit(first, second, [&] { renames_until_failure = failing; }); },
                    ErrorCode::io, failing == 0 ? first : second, "cannot finish");
      CHECK(renames_until_failure == -1);
      CHECK(folder.entries() == (existed ? 2 : 0));
      CHECK(folder.get("first") == (existed ? "old first" : ""));
      CHECK(folder.get("second") == (existed ? "old second" : ""));
      fs::remove(first);
      fs::remove(second);
    }
  }

  // The folder of the second is gone: it cannot appear, and the first is what it was.
  for (const bool existed : {false, true}) {
    fs::create_directory(folder / "sub");
    if (existed) folder.put("first", "old first");
    check_refused(
        [&] { commit(first, folder / "sub/second", [&] { fs::remove_all(folder / "sub"); }); },
        ErrorCode::io, folder / "sub/second", "cannot");
    CHECK(fs::exists(first) == existed);
    if (existed) CHECK(folder.get("first") == "old first");
    CHECK(folder.entries() == (existed ? 1 : 0));
  }
}

TEST_CASE("base: killed at any moment, the new first file never stands beside the old second one") {
  const Folder folder;
  const std::string first = folder.put("first", "0");
  const std::string second = folder.put("second", "0");
  const pid_t writer = ::fork();
  REQUIRE(writer >= 0);
  if (writer == 0) {
    for (int i = 1; i < 200; ++i) {
      AtomicFile a(first);
      AtomicFile b(second);
      const std::string number = std::to_string(i);
      a.write(number.data(), number.size());
      b.write(number.data(), number.size());
      AtomicFile::commit_both(a, b);
    }
    ::_exit(0);
  }
  // Killed at any moment, what stays is a pair or a first file alone.
  ::usleep(20000);
  ::kill(writer, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(writer, &status, 0) == writer);
  if (fs::exists(second)) CHECK(folder.get("first") == folder.get("second"));
  replace(folder / "third", "x");
  CHECK(folder.entries() == (fs::exists(second) ? 3 : 2));
}
