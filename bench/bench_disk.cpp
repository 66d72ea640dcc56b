// Rows that stay on the disk beside rows in memory, one query and batches of 256, k = 10: with the
// file in the page cache (warm), and with all of its pages dropped before each call (cold).
//
//   bench_disk FOLDER     4,000,000 x 128 Gaussian rows, or the file that MAXDOT_BENCH_ITEMS names;
//                         the index file, 2.6 GB, is written into FOLDER, which must be on a disk
//
// Pages are dropped by posix_fadvise (DONTNEED), which a filesystem in memory does not do. So the
// program asks how many pages of the file are still there, and says it. Alternating, medians.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "data.hpp"
#include "maxdot/maxdot.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kQueries = 1024;
constexpr std::size_t kResults = 10;
constexpr std::size_t kRuns = 7;

/// The index file, gone when the program is.
class File {
 public:
  File(const std::string& folder, const bench::Data& data)
      : path_(folder + "/bench_disk-" + std::to_string(getpid()) + ".maxdot") {
    Index::build(MatrixView::f32(data.items.data(), data.n, data.d), {.metric = Metric::dot})
        .save(path_);
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    ::close(fd_);
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  const std::string& path() const { return path_; }
  void drop() const { (void)::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED); }

  /// Percent of its pages that the system holds.
  double held() const {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return -1;
    const auto bytes = static_cast<std::size_t>(status.st_size);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* map = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd_, 0);
    if (map == MAP_FAILED) return -1;
    std::vector<unsigned char> pages((bytes + page - 1) / page);
    const bool known = ::mincore(map, bytes, pages.data()) == 0;
    ::munmap(map, bytes);
    const auto count = std::count_if(pages.begin(), pages.end(),
                                     [](unsigned char held) { return (held & 1U) != 0; });
    return known ? 100.0 * static_cast<double>(count) / static_cast<double>(pages.size()) : -1;
  }

 private:
  std::string path_;
  int fd_ = -1;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Milliseconds of one search, and how many rows it scored.
double search(const Index& index, const MatrixView& queries, int threads, double& rows) {
  SearchStats stats;
  const auto begin = std::chrono::steady_clock::now();
  (void)index.search(queries, kResults, {.threads = threads, .stats = &stats});
  const auto end = std::chrono::steady_clock::now();
  rows = static_cast<double>(stats.rescored);
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

void compare(const File& file, const bench::Data& data, std::size_t count, int threads) {
  const Index disk = Index::open(file.path(), {.rows = RowPlace::disk});
  std::vector<double> in_memory;
  std::vector<double> warm;
  std::vector<double> cold;
  std::vector<double> mapped_cold;
  std::vector<double> scored;
  double rows = 0;
  const auto queries_of = [&](std::size_t run) {
    const std::size_t first = run * count % (kQueries - count + 1);
    return MatrixView::f32(data.queries.data() + first * data.d, count, data.d);
  };
  for (std::size_t run = 0; run < kRuns; ++run) {
    const MatrixView queries = queries_of(run);
    const Index memory = Index::open(file.path());
    (void)search(memory, queries, threads, rows);  // touches what it needs
    in_memory.push_back(search(memory, queries, threads, rows));
    (void)search(disk, queries, threads, rows);
    warm.push_back(search(disk, queries, threads, rows));
    scored.push_back(rows);
  }
  // Pages that are mapped are not dropped: nothing is mapped while rows are read from the disk, and
  // a mapped index is opened anew for each call.
  for (std::size_t run = 0; run < kRuns; ++run) {
    const MatrixView queries = queries_of(run);
    file.drop();
    cold.push_back(search(disk, queries, threads, rows));
    file.drop();
    mapped_cold.push_back(search(Index::open(file.path()), queries, threads, rows));
  }
  std::printf("%7zu %7d %10.0f %10.2f %10.2f %8.2f %10.2f %8.2f %12.2f\n", count, threads,
              median(scored), median(in_memory), median(warm), median(warm) / median(in_memory),
              median(cold), median(cold) / median(in_memory), median(mapped_cold));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_disk FOLDER\n");
    return 2;
  }
  const bench::Data data = bench::load(4'000'000, 128, kQueries);
  const File file(argv[1], data);
  file.drop();
  std::printf("%zu x %zu, k = %zu; %.0f %% of the file's pages are held after they were dropped\n",
              data.n, data.d, kResults, file.held());
  std::printf("%7s %7s %10s %10s %10s %8s %10s %8s %12s\n", "queries", "threads", "rows read",
              "memory ms", "warm ms", "ratio", "cold ms", "ratio", "mapped, cold");
  for (const int threads : {1, 2}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{256}})
      compare(file, data, count, threads);
  }
  return 0;
}
