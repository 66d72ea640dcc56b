// The requests that wait, and who searches the next batch.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "maxdot/batcher.hpp"
#include "serve/batch.hpp"
#include "serve/request.hpp"
#include "serve/source.hpp"

namespace maxdot::serve {

/// One thread leads: it takes the batch at the front, searches it, and tells the next to lead, who
/// is the first that waits then. Nobody leads only where nothing waits. The lead of a request that
/// nobody waits for is taken by a thread of the queue.
class Queue {
 public:
  /// Throws std::bad_alloc.
  Queue(Source source, const BatcherOptions& options);
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  /// Waits until all is answered.
  ~Queue();

  /// Returns when `request` is answered; its own error is thrown, as is Error (overloaded,
  /// out_of_memory). Requires a request that was checked, of the source that `source()` gave, with
  /// 1 query or more and a waiter.
  void ask(Request& request);

  /// The same for a request that nobody waits for: it is answered some time later, unless Error
  /// (overloaded, out_of_memory) is thrown.
  void add(std::unique_ptr<Submitted> request);

  std::shared_ptr<const Source> source() const;
  void replace(Source source);
  BatcherStats stats() const noexcept;

 private:
  void enter(Request& request);
  bool leave(const Request& request);
  Request* take();
  void lead(const Signal* own);
  void pass_on();
  void start_thread();
  void lead_when_told();

  const BatcherOptions options_;
  mutable std::mutex mutex_;
  // Under the lock:
  std::shared_ptr<const Source> source_;
  std::deque<Request*> waiting_;
  std::size_t waiting_queries_ = 0;
  bool led_ = false;
  bool thread_leads_ = false;
  bool ends_ = false;
  std::condition_variable told_;  // the thread: to lead or to end
  std::condition_variable idle_;
  BatcherStats stats_;
  std::thread thread_;
  // Of the thread that leads:
  std::vector<Request*> searched_;
  Batch batch_;
};

}  // namespace maxdot::serve
