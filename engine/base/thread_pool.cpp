#include "base/thread_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include "base/calls.hpp"
#include "base/float_environment.hpp"
#include "base/host_signals.hpp"
#include "base/stop.hpp"
#include "base/thread_local.hpp"

namespace maxdot::base {
namespace {

// [bytes] Of a thread's stack, at least, where the system's default is less. The program's
// thread-local data lie in it, too. Kernels need 32 KiB, sanitizers several times that.
constexpr std::size_t kLeastStackBytes = std::size_t{1} << 20;

// How long the caller waits for the last of the other threads before it looks whether it shall end.
constexpr std::chrono::milliseconds kBetweenLooks{10};

constexpr std::chrono::microseconds kSpin{100};

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// What one call asks for; on the caller's stack.
struct Job {
  const std::size_t count;
  const int workers;
  const PoolTask task;
  void* const context;
  Stop* const stop;
  std::atomic<std::size_t> next = 0;  // index to hand out
  // The rest is guarded by the pool's mutex.
  int joined = 1;               // numbers of workers handed out; the caller is 0
  std::atomic<int> inside = 0;  // threads of the pool that work on it
  bool listed = false;
  Job* before = nullptr;
  Job* after = nullptr;
  Job* outer = nullptr;  // of the same thread, under way when this one began
  std::condition_variable left{};

  void work(int worker) noexcept {
    const StopOfThread scope(stop);
    in_default_environment([&] {
      for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
           i < count && !stop_requested(); i = next.fetch_add(1, std::memory_order_relaxed)) {
        task(context, i, worker);
      }
    });
  }
};

/// Waits a little for done() without giving the core away: to wake a thread takes longer than most
/// parts of a search of one query. ("Threads")
template <typename Done>
void spin(const Done& done) noexcept {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
}

// The calling thread's jobs, the innermost first.
MAXDOT_THREAD_LOCAL Job* jobs_of_thread = nullptr;

class Pool {
 public:
  void run(Job& job) noexcept {
    job.outer = jobs_of_thread;
    jobs_of_thread = &job;
    int to_wake = 0;
    {
      const std::lock_guard lock(mutex_);
      list(job);
      const int wanted = job.workers - 1;
      most_ = std::max(most_, wanted);
      to_wake = std::min(wanted, idle_);
      while (idle_ + starting_ < wanted_by_all() && threads_ < most_ && start()) {
      }
    }
    for (; to_wake > 0; --to_wake) work_.notify_one();
    job.work(0);
    if (job.inside != 0) spin([&job] { return job.inside == 0; });
    {
      std::unique_lock lock(mutex_);
      unlist(job);
      const auto done = [&job] { return job.inside == 0; };
      while (!job.left.wait_for(lock, kBetweenLooks, done)) {
        // So that a host is asked, too, while only other threads work. They look themselves.
        lock.unlock();
        (void)stop_requested();
        lock.lock();
      }
    }
    jobs_of_thread = job.outer;
  }

  int threads() noexcept {
    const std::lock_guard lock(mutex_);
    return threads_;
  }

 private:
  void list(Job& job) noexcept {
    job.before = last_;
    (last_ == nullptr ? first_ : last_->after) = &job;
    last_ = &job;
    job.listed = true;
    listed_.fetch_add(1, std::memory_order_relaxed);
  }

  void unlist(Job& job) noexcept {
    if (!job.listed) return;
    (job.before == nullptr ? first_ : job.before->after) = job.after;
    (job.after == nullptr ? last_ : job.after->before) = job.before;
    job.listed = false;
    listed_.fetch_sub(1, std::memory_order_relaxed);
  }

  int wanted_by_all() const noexcept {
    int wanted = 0;
    for (const Job* job = first_; job != nullptr && wanted < most_; job = job->after)
      wanted += job->workers - job->joined;
    return std::min(wanted, most_);
  }

  // Starts a thread. Requires the lock.
  bool start() noexcept {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    std::size_t stack = 0;
    if (pthread_attr_getstacksize(&attributes, &stack) == 0 && stack < kLeastStackBytes)
      (void)pthread_attr_setstacksize(&attributes, kLeastStackBytes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    const bool started = [&] {
      const SignalsLeftToHost masked;
      return pthread_create(&thread, &attributes, help_for_ever, this) == 0;
    }();
    (void)pthread_attr_destroy(&attributes);
    if (started) {
      ++threads_;
      ++starting_;
    }
    return started;
  }

  static void* help_for_ever(void* pool) noexcept {
    static_cast<Pool*>(pool)->help();
    return nullptr;
  }

  [[noreturn]] void help() noexcept {
    std::unique_lock lock(mutex_);
    --starting_;
    for (;;) {
      if (first_ == nullptr) {
        ++idle_;
        lock.unlock();
        spin([this] { return listed_ != 0 || calls_under_way() == 0; });
        lock.lock();
        work_.wait(lock, [&] { return first_ != nullptr; });
        --idle_;
      }
      Job& job = *first_;
      const int worker = job.joined++;
      ++job.inside;
      if (job.joined == job.workers) unlist(job);
      lock.unlock();
      job.work(worker);
      lock.lock();
      unlist(job);  // nothing is left to hand out
      // The caller goes on when this thread has let go of the lock, not before: the job is its.
      if (--job.inside == 0) job.left.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable work_;
  Job* first_ = nullptr;  // jobs that more threads may join, oldest first
  Job* last_ = nullptr;
  std::atomic<int> listed_ = 0;  // jobs in the list, for a look without the lock
  int most_ = 0;                 // that were ever wanted at once
  int threads_ = 0;
  int idle_ = 0;
  int starting_ = 0;
};

// Never destroyed: threads of the pool stand in it until the process ends.
alignas(Pool) unsigned char memory[sizeof(Pool)];

Pool& pool() noexcept {
  static Pool& made = *new (memory) Pool;
  return made;
}

// A child has none of its parent's threads, and perhaps a lock that one of them held. If the host
// forked when it was asked (StopOptions::poll), this thread is within jobs that other threads had
// begun: the call ends.
void begin_anew() noexcept {
  new (memory) Pool;
  for (Job* job = jobs_of_thread; job != nullptr; job = job->outer) {
    job->inside = 0;
    job->listed = false;
    if (job->stop != nullptr) job->stop->cancel();
  }
}

// When the library is loaded: no fork can come between.
[[maybe_unused]] const bool ready = [] {
  (void)pool();
  return pthread_atfork(nullptr, nullptr, begin_anew) == 0;
}();

}  // namespace

void run_in_pool(std::size_t count, int workers, PoolTask task, void* context) noexcept {
  Job job{
      .count = count, .workers = workers, .task = task, .context = context, .stop = current_stop()};
  if (workers <= 1) return job.work(0);
  pool().run(job);
}

int pool_threads() noexcept { return pool().threads(); }

}  // namespace maxdot::base
