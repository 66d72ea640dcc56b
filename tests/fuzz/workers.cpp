#include "workers.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "cases.hpp"
#include "runners.hpp"

namespace fuzz {
namespace {

using Clock = std::chrono::steady_clock;

// After so many failures there is enough to read.
constexpr std::uint64_t kMostFailures = 20;
constexpr int kMostJobs = 64;

/// What the processes share.
struct Board {
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::uint64_t> current[kMostJobs] = {};  ///< seed of each worker's case
};

Board& make_board() {
  void* memory =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error(std::string("shared memory: ") + std::strerror(errno));
  return *new (memory) Board;
}

void print_failure(std::uint64_t seed, const std::string& text) {
  std::fprintf(stdout, "FAILED case %llu: %s\n  repeat it: maxdot_fuzz_differential --case %llu\n",
               static_cast<unsigned long long>(seed), text.c_str(),
               static_cast<unsigned long long>(seed));
  std::fflush(stdout);
}

void work(const Run& run, Clock::time_point start, Board& board, std::size_t worker) {
  while (board.failures < kMostFailures) {
    if (run.seconds && std::chrono::duration<double>(Clock::now() - start).count() >= *run.seconds)
      return;
    const std::uint64_t number = board.next.fetch_add(1);
    if (number >= run.cases) return;
    board.current[worker] = case_seed(run.seed, number);
    if (!run_one(board.current[worker])) ++board.failures;
    ++board.done;
  }
}

pid_t start_worker(const Run& run, Clock::time_point start, Board& board, std::size_t worker) {
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (child != 0) return child;
  work(run, start, board, worker);
  std::exit(0);
}

/// A worker that ended otherwise than it should.
void report_crash(int status, std::uint64_t seed) {
  std::string how = "the process ended with code " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) how = std::string("the process died: ") + strsignal(WTERMSIG(status));
  print_failure(seed, draw_case(seed).describe() + "\n  " + how);
}

void show_progress(const Board& board, Clock::time_point start) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::fprintf(stderr, "\r%llu cases, %llu failures, %.0f s ",
               static_cast<unsigned long long>(board.done.load()),
               static_cast<unsigned long long>(board.failures.load()), seconds);
  std::fflush(stderr);
}

}  // namespace

std::uint64_t case_seed(std::uint64_t run_seed, std::uint64_t number) noexcept {
  return Random(Random(run_seed).bits() + number).bits();
}

bool run_one(std::uint64_t seed) {
  try {
    run_case(seed);
    return true;
  } catch (const std::exception& failure) {
    print_failure(seed, failure.what());
    return false;
  }
}

Outcome run_workers(const Run& run) {
  Board& board = make_board();
  const Clock::time_point start = Clock::now();
  std::vector<pid_t> workers;
  for (int job = 0; job < std::min(run.jobs, kMostJobs); ++job) {
    workers.push_back(start_worker(run, start, board, workers.size()));
  }
  for (std::size_t running = workers.size(); running > 0;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == 0) {
      if (run.progress) show_progress(board, start);
      usleep(50'000);
      continue;
    }
    std::size_t worker = 0;
    while (worker < workers.size() && workers[worker] != ended) ++worker;
    if (worker == workers.size()) continue;
    if (status == 0) {
      --running;
      continue;
    }
    report_crash(status, board.current[worker]);
    ++board.failures;
    ++board.done;
    workers[worker] = start_worker(run, start, board, worker);
  }
  if (run.progress) std::fprintf(stderr, "\r\033[K");
  const Outcome outcome = {board.done, board.failures};
  munmap(&board, sizeof(Board));
  return outcome;
}

}  // namespace fuzz
