// Many callers with a query at a time each, as in a server: queries a second, waiting times,
// threads of the operating system and memory, with the threads that a call takes by default, one a
// call, and through a Batcher, beside FAISS IndexFlatIP (if found) with its own default. First,
// what a Batcher can reach at best: one caller with batches of 64.
//
//   bench_callers [ITEMS]  so many x 128 Gaussian rows, 500,000 if it is not said, or the file that
//                          MAXDOT_BENCH_ITEMS names
//
// Every line is measured in a forked child, so none finds the threads of another.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "data.hpp"
#include "maxdot/maxdot.hpp"

#if defined(MAXDOT_HAVE_FAISS)
#include <faiss/IndexFlat.h>
#endif

namespace {

using maxdot::bench::Data;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kK = 10;
constexpr std::size_t kQueries = 1024;
constexpr double kSeconds = 3.0;

/// Searches one query; the second argument is room for kK ids and scores.
struct Room {
  std::vector<std::int64_t> ids = std::vector<std::int64_t>(kK);
  std::vector<double> scores = std::vector<double>(kK);
  std::vector<float> scores_f32 = std::vector<float>(kK);
};
using Search = std::function<void(const float* query, Room& room)>;

/// A number that /proc/self/status tells.
long status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::stol(line.substr(name.size() + 1));
  }
  return -1;
}

void measure(const char* what, std::size_t callers, const Data& data, const Search& search) {
  std::atomic<bool> begun = false;
  std::atomic<bool> done = false;
  std::vector<std::vector<double>> times(callers);
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < callers; ++c) {
    threads.emplace_back([&, c] {
      Room room;
      search(data.queries.data(), room);  // takes what it keeps
      while (!begun) std::this_thread::yield();
      for (std::size_t q = c; !done; q = (q + 1) % data.nq) {
        const auto start = Clock::now();
        search(&data.queries[q * data.d], room);
        times[c].push_back(std::chrono::duration<double>(Clock::now() - start).count());
      }
    });
  }
  begun = true;
  long most_threads = 0;
  for (int i = 0; i < 30; ++i) {
    std::this_thread::sleep_for(std::chrono::duration<double>(kSeconds / 30));
    most_threads = std::max(most_threads, status("Threads"));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const std::vector<double>& own : times) all.insert(all.end(), own.begin(), own.end());
  std::sort(all.begin(), all.end());
  const auto part = [&](double share) {
    return 1e3 * all[std::min(all.size() - 1,
                              static_cast<std::size_t>(share * static_cast<double>(all.size())))];
  };
  std::printf("%7zu  %-18s %9.0f %9.2f %9.2f %8ld %8ld\n", callers, what,
              static_cast<double>(all.size()) / kSeconds, part(0.5), part(0.99), most_threads,
              status("VmRSS") / 1024);
}

void measure_batches(const Data& data, const maxdot::Index& index) {
  constexpr std::size_t kBatch = 64;
  std::vector<std::int64_t> ids(kBatch * kK);
  std::vector<double> scores(kBatch * kK);
  std::vector<double> times;
  const auto end = Clock::now() + std::chrono::duration<double>(kSeconds);
  for (std::size_t q = 0; Clock::now() < end; q = (q + kBatch) % kQueries) {
    const auto start = Clock::now();
    index.search_into(maxdot::MatrixView::f32(&data.queries[q * data.d], kBatch, data.d), kK,
                      {ids.data(), scores.data(), nullptr});
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf("      1  batches of 64      %9.0f %9.2f %9.2f\n", kBatch / median, 1e3 * median,
              1e3 * times[times.size() * 99 / 100]);
}

void in_child(const std::function<void()>& body) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    body();
    std::fflush(stdout);
    _exit(0);
  }
  int ended = 0;
  if (child < 0 || waitpid(child, &ended, 0) != child || ended != 0)
    std::printf("a measurement failed\n");
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t items = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 500'000;
  const Data data = maxdot::bench::load(items, 128, kQueries);
  const maxdot::Index index = maxdot::Index::build(
      maxdot::MatrixView::f32(data.items.data(), data.n, data.d), {.metric = maxdot::Metric::dot});
  const auto with_threads = [&](int threads) {
    return [&, threads](const float* query, Room& room) {
      index.search_into(maxdot::MatrixView::f32(query, 1, data.d), kK,
                        {room.ids.data(), room.scores.data(), nullptr}, {.threads = threads});
    };
  };
#if defined(MAXDOT_HAVE_FAISS)
  faiss::IndexFlatIP flat(static_cast<int>(data.d));
  flat.add(static_cast<faiss::Index::idx_t>(data.n), data.items.data());
#endif
  std::printf("%zu x %zu, k = %zu, kernels %s, %d cores\n", data.n, data.d, kK,
              maxdot::kernel_name(), maxdot::available_threads());
  std::printf("callers  threads of a call  queries/s    p50 ms    p99 ms  threads   RSS MB\n");
  in_child([&] { measure_batches(data, index); });
  for (const std::size_t callers : {1U, 2U, 16U, 64U}) {
    in_child([&] { measure("maxdot, default", callers, data, with_threads(0)); });
    in_child([&] { measure("maxdot, 1", callers, data, with_threads(1)); });
    in_child([&] {
      maxdot::Batcher batcher(index);
      measure("maxdot, Batcher", callers, data, [&](const float* query, Room& room) {
        batcher.search_into(maxdot::MatrixView::f32(query, 1, data.d), kK,
                            {room.ids.data(), room.scores.data(), nullptr});
      });
    });
#if defined(MAXDOT_HAVE_FAISS)
    in_child([&] {
      measure("FAISS, default", callers, data, [&](const float* query, Room& room) {
        flat.search(1, query, kK, room.scores_f32.data(), room.ids.data());
      });
    });
#endif
  }
  return 0;
}
