// How an open index holds its file: mapped, in memory, locked; and what each of them survives.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "alloc_faults.hpp"
#include "files.hpp"
#include "forked.hpp"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

constexpr Load kLoads[] = {Load::map, Load::memory, Load::locked};
constexpr std::size_t kItems = 3000;
constexpr std::size_t kDimension = 20;

// A limit on locked memory, which a machine may set to nothing, is no failure of these tests.
bool may_lock() {
  rlimit limit{};
  return geteuid() == 0 || (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= 1U << 20);
}

struct Saved {
  test::Folder folder;
  std::string path = folder / "items.maxdot";
  Index built;
  test::Rows queries = test::gaussian_rows(70, kDimension, 2);

  Saved() {
    const std::vector<std::int64_t> ids = test::ids_from(100000, kItems, 3);
    built = Index::build(test::gaussian_rows(kItems, kDimension, 1).view(),
                         {.metric = Metric::dot, .ids = ids});
    built.save(path);
  }

  void check_answers(const Index& index) const {
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
      for (const std::size_t count : {1U, 70U}) {
        const MatrixView asked = queries.view().slice(0, count);
        const SearchOptions options = {.threads = 2, .metric = metric};
        CHECK(test::difference(index.search(asked, 10, options),
                               built.search(asked, 10, options)) == "");
      }
    }
    float got[kDimension];
    float expected[kDimension];
    index.item_row(77, got);
    built.item_row(77, expected);
    CHECK(std::equal(got, got + kDimension, expected));
    CHECK(index.item_id(77) == built.item_id(77));
  }

  /// The file looks as if it had been written long ago: a change within the clock's tick shows.
  void age() const {
    const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), long_ago, 0) == 0);
  }

  /// Writes into the file as it stands.
  void overwrite(std::size_t at, const std::string& bytes) const {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at)) ==
            static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  }
};

}  // namespace

TEST_CASE("load: the same answers, whatever holds the file") {
  const Saved saved;
  for (const Load load : kLoads) {
    if (load == Load::locked && !may_lock()) continue;
    for (const RowPlace rows : {RowPlace::memory, RowPlace::disk}) {
      for (const bool verify : {false, true}) {
        const Index index = Index::open(
            saved.path,
            {.rows = rows, .load = load, .verify_payload = verify, .verify_codes = verify});
        saved.check_answers(index);
        const std::string copy = saved.folder / "copy.maxdot";
        index.save(copy);
        CHECK(saved.folder.get("copy.maxdot") == saved.folder.get("items.maxdot"));
      }
    }
  }
  const std::string none = saved.folder / "none.maxdot";
  Index::build(test::gaussian_rows(0, 7, 1).view()).save(none);
  for (const Load load : {Load::map, Load::memory})
    CHECK(Index::open(none, {.load = load}).size() == 0);
  CHECK(test::code_of([&] { Index::open(saved.path, {.load = static_cast<Load>(3)}); }) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("load: memory survives whatever happens to the file") {
  for (const Load load : {Load::memory, Load::locked}) {
    if (load == Load::locked && !may_lock()) continue;
    const Saved saved;
    const Index index = Index::open(saved.path, {.load = load});
    saved.overwrite(0, std::string(saved.folder.get("items.maxdot").size(), '\xAB'));
    saved.check_answers(index);
    REQUIRE(::truncate(saved.path.c_str(), 0) == 0);
    saved.check_answers(index);
    REQUIRE(::unlink(saved.path.c_str()) == 0);
    saved.check_answers(index);
  }
}

TEST_CASE("load: a mapped file may be replaced and removed") {
  const Saved saved;
  const Index index = Index::open(saved.path);
  Index::build(test::gaussian_rows(50, kDimension, 9).view()).save(saved.path);
  saved.check_answers(index);
  REQUIRE(::unlink(saved.path.c_str()) == 0);
  saved.check_answers(index);
}

// What the documents say of it. If it ever becomes better, they are wrong.
TEST_CASE("load: a mapped file that is cut short ends the process" *
          doctest::skip(!test::kForksWithThreads || !test::kMemoryCanBeLimited)) {
  const Saved saved;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);
    std::signal(SIGBUS, SIG_DFL);
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const Index index = Index::open(saved.path);
    if (::truncate(saved.path.c_str(), 4096) != 0) _exit(1);
    (void)index.search(saved.queries.view(), 10, {.threads = 1});
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGBUS);
}

TEST_CASE("load: what is read into memory is what was written, or it is refused") {
  const Saved saved;
  const std::string whole = saved.folder.get("items.maxdot");
  std::size_t refused = 0;
  std::size_t in_rows = 0;
  for (std::size_t at = 64; at < whole.size(); at += 997) {
    saved.overwrite(at, std::string(1, static_cast<char>(whole[at] ^ 4)));
    try {
      Index::open(saved.path, {.load = Load::memory});
      FAIL_CHECK("byte ", at, " is another one, and was accepted");
    } catch (const Error& error) {
      ++refused;
      CHECK(
          (error.code() == ErrorCode::checksum_mismatch || error.code() == ErrorCode::bad_format));
      in_rows += std::string(error.what()).find("section 'rows'") != std::string::npos ? 1U : 0U;
    }
    saved.overwrite(at, whole.substr(at, 1));
  }
  CHECK(refused > 100);
  CHECK(in_rows > 50);
  saved.check_answers(Index::open(saved.path, {.load = Load::memory}));
}

TEST_CASE("load: rows on the disk notice that their file has changed") {
  for (const Load load : {Load::map, Load::memory}) {
    const Saved saved;
    saved.age();
    const Index index = Index::open(saved.path, {.rows = RowPlace::disk, .load = load});
    saved.check_answers(index);
    // Replaced: the open file is as it was.
    const std::string other = saved.folder / "other.maxdot";
    Index::build(test::gaussian_rows(50, kDimension, 9).view()).save(other);
    const std::string kept = saved.folder / "kept.maxdot";
    REQUIRE(::rename(saved.path.c_str(), kept.c_str()) == 0);
    REQUIRE(::rename(other.c_str(), saved.path.c_str()) == 0);
    saved.check_answers(index);
    REQUIRE(::rename(kept.c_str(), saved.path.c_str()) == 0);
    // One byte, and as long as before.
    saved.overwrite(saved.folder.get("items.maxdot").size() / 2, "x");
    const auto refused = [&](const auto& call) {
      test::check_refused(call, ErrorCode::io, saved.path, "was changed while it was open");
    };
    const std::vector<double> lowest(70, -1e9);
    refused([&] { (void)index.search(saved.queries.view(), 10); });
    refused([&] { (void)index.search_range(saved.queries.view(), lowest); });
    refused([&] { (void)index.search_multi(saved.queries.view(), 2, 10); });
    float row[kDimension];
    refused([&] { index.item_row(3, row); });
    const std::string copy = saved.folder / "copy.maxdot";
    refused([&] { index.save(copy); });
    CHECK(saved.folder.entries() == 1);
  }
}

TEST_CASE("load: memory that may not be locked is an Error that says what to do" *
          doctest::skip(!test::kForksWithThreads || !test::kMemoryCanBeLimited)) {
  const Saved saved;
  REQUIRE(::chmod(saved.path.c_str(), 0644) == 0);
  CHECK(test::in_child([&] {
    // Root may lock whatever the limit says; and another user may not look into the folder.
    const int here = ::open(saved.path.substr(0, saved.path.rfind('/')).c_str(), O_RDONLY);
    const rlimit none = {0, 0};
    if (here < 0 || ::fchdir(here) != 0 || setrlimit(RLIMIT_MEMLOCK, &none) != 0) return false;
    if (geteuid() == 0 && (::fchmod(here, 0755) != 0 || ::seteuid(65534) != 0)) return false;
    try {
      Index::open("items.maxdot", {.load = Load::locked});
    } catch (const Error& error) {
      const std::string message = error.what();
      return error.code() == ErrorCode::out_of_memory && message.find("items.maxdot: ") == 0 &&
             message.find("ulimit -l") != std::string::npos;
    }
    return false;
  }));
}

TEST_CASE("load: memory that runs out is an Error" * doctest::skip(!test::kAllocationsCanFail)) {
  const Saved saved;
  CHECK(test::for_each_allocation_fault([&] { Index::open(saved.path, {.load = Load::memory}); }) >
        5);
}
