// A catalogue that changes while many callers ask it: queries a second and waiting times through a
// Batcher, of an Index, of a LiveIndex that is left alone, and of one that takes 1,000 upserts and
// 100 removes a second, compaction included. And what a search pays for parts.
//
//   bench_live [SECONDS] [ITEMS]  60 s for each line, 1,000,000 x 128 Gaussian rows if not said, or
//                                 the file that MAXDOT_BENCH_ITEMS names
//
// The folder is made where TMPDIR says, and removed.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "data.hpp"
#include "maxdot/maxdot.hpp"

namespace {

using maxdot::bench::Data;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kK = 10;
constexpr std::size_t kQueries = 1024;
constexpr std::size_t kCallers = 64;
// Changes: calls of so many items, by several threads, at fixed times.
constexpr std::size_t kPerCall = 10;
constexpr std::size_t kWriters = 4;
constexpr double kUpsertsPerSecond = 1000.0;
constexpr double kRemovesPerSecond = 100.0;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Times {
  std::vector<double> all;

  double part(double share) {
    if (all.empty()) return 0.0;
    std::sort(all.begin(), all.end());
    return 1e3 * all[std::min(all.size() - 1,
                              static_cast<std::size_t>(share * static_cast<double>(all.size())))];
  }
};

std::vector<std::int64_t> ids_from(std::size_t first, std::size_t count) {
  std::vector<std::int64_t> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<std::int64_t>(first + i);
  return ids;
}

maxdot::MatrixView rows_of(const Data& data, std::size_t first, std::size_t count) {
  return maxdot::MatrixView::f32(data.items.data() + first * data.d, count, data.d);
}

/// Callers ask for `seconds`, each one query at a time.
Times ask(maxdot::Batcher& batcher, const Data& data, double seconds) {
  std::vector<Times> own(kCallers);
  std::vector<std::thread> callers;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (std::size_t c = 0; c < kCallers; ++c) {
    callers.emplace_back([&, c] {
      std::vector<std::int64_t> ids(kK);
      std::vector<double> scores(kK);
      for (std::size_t q = c; Clock::now() < end; q = (q + 1) % data.nq) {
        const auto start = Clock::now();
        batcher.search_into(maxdot::MatrixView::f32(&data.queries[q * data.d], 1, data.d), kK,
                            {ids.data(), scores.data(), nullptr});
        own[c].all.push_back(seconds_since(start));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  Times times;
  for (const Times& one : own) times.all.insert(times.all.end(), one.all.begin(), one.all.end());
  return times;
}

/// Changes at a fixed rate, half of them of items that are there, until it is told to end.
class Changes {
 public:
  Changes(maxdot::LiveIndex& index, const Data& data) : start_(Clock::now()) {
    for (std::size_t w = 0; w < kWriters; ++w)
      threads_.emplace_back([this, &index, &data, w] { run(index, data, w); });
  }
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;
  ~Changes() = default;

  void end() {
    ends_ = true;
    for (std::thread& thread : threads_) thread.join();
    const double seconds = seconds_since(start_);
    Times times;
    for (const Times& one : times_)
      times.all.insert(times.all.end(), one.all.begin(), one.all.end());
    std::printf(
        "           changes: %.0f items a second put in, %.0f removed, calls of %zu: p50 "
        "%.2f ms, p99 %.2f ms\n",
        static_cast<double>(upserts_) / seconds, static_cast<double>(removes_) / seconds, kPerCall,
        times.part(0.5), times.part(0.99));
  }

 private:
  void run(maxdot::LiveIndex& index, const Data& data, std::size_t writer) {
    constexpr double kCalls = (kUpsertsPerSecond + kRemovesPerSecond) / kPerCall / kWriters;
    constexpr double kRemoveShare = kRemovesPerSecond / (kUpsertsPerSecond + kRemovesPerSecond);
    std::mt19937_64 random(writer + 1);
    for (std::size_t call = 0; !ends_; ++call) {
      std::this_thread::sleep_until(
          start_ + std::chrono::duration<double>(static_cast<double>(call) / kCalls));
      const std::size_t first = random() % (data.n - kPerCall);
      const bool removes = std::uniform_real_distribution<double>()(random) < kRemoveShare;
      const bool known = random() % 2 == 0;
      const std::vector<std::int64_t> ids =
          ids_from(known || removes ? first : data.n + first, kPerCall);
      const auto start = Clock::now();
      if (removes) {
        removes_ += index.remove(ids).items;
      } else {
        upserts_ += index.upsert(ids, rows_of(data, first, kPerCall)).items;
      }
      times_[writer].all.push_back(seconds_since(start));
    }
  }

  Clock::time_point start_;
  std::atomic<bool> ends_ = false;
  std::atomic<std::size_t> upserts_ = 0;
  std::atomic<std::size_t> removes_ = 0;
  std::vector<Times> times_ = std::vector<Times>(kWriters);
  std::vector<std::thread> threads_;
};

void print(const char* what, Times times, double seconds) {
  std::printf("%-34s %9.0f %9.2f %9.2f %9.2f\n", what,
              static_cast<double>(times.all.size()) / seconds, times.part(0.5), times.part(0.99),
              times.part(0.999));
  std::fflush(stdout);
}

void print(const maxdot::LiveStats& stats) {
  std::printf(
      "           %zu items, %zu without codes, %zu dead, %zu segments, %llu compactions, log "
      "%.1f MB %s\n",
      stats.items, stats.fresh_items, stats.dead_items, stats.segments,
      static_cast<unsigned long long>(stats.compactions),
      static_cast<double>(stats.log_bytes) / 1e6, stats.compaction_error.c_str());
}

/// Medians of a search of one query and of 64, with more and more parts, beside the Index.
void measure_parts(const maxdot::Index& index, const Data& data, const std::string& folder) {
  maxdot::LiveIndex live = maxdot::LiveIndex::create(
      folder, data.d, {.metric = maxdot::Metric::dot}, {.compact_in_background = false});
  live.replace(index);
  const std::pair<const char*, std::size_t> more[] = {
      {"1 segment", 0},           {"and 1,024 without codes", 1024}, {"and 4,096 items", 4096},
      {"and 4,096 items", 4096},  {"and 16,384 items", 16384},       {"and 16,384 items", 16384},
      {"and 65,536 items", 65536}};
  std::printf("%-34s %12s %12s   (times of the Index)\n", "parts", "1 query", "64 queries");
  std::size_t next = data.n;
  for (const auto& [what, items] : more) {
    if (items != 0) live.upsert(ids_from(next, items), rows_of(data, 0, items));
    next += items;
    const maxdot::Snapshot snapshot = live.snapshot();
    double ratios[2];
    for (const std::size_t queries : {std::size_t{1}, std::size_t{64}}) {
      std::vector<std::int64_t> ids(queries * kK);
      std::vector<double> scores(queries * kK);
      std::vector<double> found;
      for (int round = 0; round < 41; ++round) {
        const maxdot::MatrixView asked = maxdot::MatrixView::f32(
            &data.queries[static_cast<std::size_t>(round) * queries % kQueries / 64 * 64 * data.d],
            queries, data.d);
        const maxdot::ResultView out = {ids.data(), scores.data(), nullptr};
        auto start = Clock::now();
        index.search_into(asked, kK, out);
        const double alone = seconds_since(start);
        start = Clock::now();
        snapshot.search_into(asked, kK, out);
        found.push_back(seconds_since(start) / alone);
      }
      std::nth_element(found.begin(), found.begin() + 20, found.end());
      ratios[queries == 1 ? 0 : 1] = found[20];
    }
    std::printf("%-34s %12.3f %12.3f\n", what, ratios[0], ratios[1]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 60.0;
  const std::size_t items = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  std::string root = (std::filesystem::temp_directory_path() / "maxdot-XXXXXX").string();
  if (::mkdtemp(root.data()) == nullptr) return 1;
  try {
    const Data data = maxdot::bench::load(items, 128, kQueries);
    const maxdot::Index index =
        maxdot::Index::build(rows_of(data, 0, data.n), {.metric = maxdot::Metric::dot});
    std::printf("%zu x %zu, k = %zu, kernels %s, %d cores\n", data.n, data.d, kK,
                maxdot::kernel_name(), maxdot::available_threads());
    measure_parts(index, data, root + "/parts");
    std::printf(
        "%zu callers, a query each at a time      queries/s    p50 ms    p99 ms  p99.9 ms\n",
        kCallers);
    {
      maxdot::Batcher batcher(index);
      print("Index", ask(batcher, data, seconds), seconds);
    }
    maxdot::LiveIndex live =
        maxdot::LiveIndex::create(root + "/live", data.d, {.metric = maxdot::Metric::dot});
    live.upsert(ids_from(0, data.n), rows_of(data, 0, data.n));
    maxdot::Batcher batcher(live);
    print("LiveIndex, quiet", ask(batcher, data, seconds), seconds);
    Changes changes(live, data);
    print("LiveIndex, 1,000 + 100 changes/s", ask(batcher, data, seconds), seconds);
    changes.end();
    print(live.stats());
    print("LiveIndex, quiet again", ask(batcher, data, seconds), seconds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  std::error_code ignored;
  std::filesystem::remove_all(root, ignored);
  return 0;
}
