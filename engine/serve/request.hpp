// One request of a Batcher, from its arrival to its answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "maxdot/batcher.hpp"
#include "serve/source.hpp"

namespace maxdot::serve {

using Clock = std::chrono::steady_clock;

/// What a waiting thread is told. Each thread has one for all its requests; who tells it holds it,
/// too, since the thread may be gone by then.
class Signal {
 public:
  enum class Word : std::uint8_t { none, lead, done };

  void say(Word word);
  /// Waits for a word, and takes it; Word::none if `deadline` comes first.
  Word wait_until(Clock::time_point deadline);

 private:
  std::mutex mutex_;
  std::condition_variable said_;
  Word word_ = Word::none;
};

struct Request {
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  std::shared_ptr<const Source> source;
  MatrixView queries;
  std::size_t k = 0;
  RequestOptions options;
  Clock::time_point arrived;
  Clock::time_point deadline = Clock::time_point::max();
  /// [queries, k]; counts may be null.
  ResultView out;
  /// Why there is no answer: an error of the search, or it had not begun by the deadline.
  std::optional<Error> error;
  bool late = false;
  /// Of the thread that waits for the answer; null: none does, and this is a Submitted.
  std::shared_ptr<Signal> waiter;
  /// Of the queue, under its lock: still to be taken into a batch; told to lead; the next of the
  /// same batch.
  bool waits = false;
  bool leads = false;
  Request* next = nullptr;
};

/// A request that nobody waits for.
struct Submitted : Request {
  std::vector<unsigned char> rows;
  SearchResult result;
  Batcher::Done done;
  /// Made beforehand: whoever answers cannot tell anybody that memory has run out. Of a request
  /// with a timeout.
  std::optional<Error> if_late;

  /// Calls `done`.
  void answer() noexcept;
};

/// Of a request whose search had not begun by its deadline. Throws std::bad_alloc.
Error late_error(const Request& request);

/// Names the metric. Throws Error for a request that a search would refuse, and for a timeout
/// that is negative or NaN.
void check(Request& request);

}  // namespace maxdot::serve
