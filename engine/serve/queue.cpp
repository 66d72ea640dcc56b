#include "serve/queue.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "base/entry.hpp"
#include "base/host_signals.hpp"

namespace maxdot::serve {
namespace {

const auto no_memory = [] { return std::string("no memory for a request"); };

}  // namespace

Queue::Queue(Source source, const BatcherOptions& options)
    : options_(options),
      source_(std::make_shared<const Source>(std::move(source))),
      batch_(options_) {
  searched_.reserve(options.most_batch_queries);  // a request has a query, at least
}

Queue::~Queue() {
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !led_; });
    ends_ = true;
    told_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const Source> Queue::source() const {
  const std::lock_guard lock(mutex_);
  return source_;
}

void Queue::replace(Source source) {
  auto next = std::make_shared<const Source>(std::move(source));
  const std::lock_guard lock(mutex_);
  source_.swap(next);  // the one before ends, if at all, after the lock
}

BatcherStats Queue::stats() const noexcept {
  const std::lock_guard lock(mutex_);
  BatcherStats stats = stats_;
  stats.waiting_queries = waiting_queries_;
  return stats;
}

// Throws Error (overloaded), std::bad_alloc. Requires the lock.
void Queue::enter(Request& request) {
  const std::size_t queries = request.queries.rows;
  if (led_ && (waiting_queries_ >= options_.most_waiting_queries ||
               queries > options_.most_waiting_queries - waiting_queries_)) {
    ++stats_.overloaded;
    throw Error(ErrorCode::overloaded, std::to_string(waiting_queries_) +
                                           " queries wait, and at most " +
                                           std::to_string(options_.most_waiting_queries) +
                                           " may (most_waiting_queries); ask again later");
  }
  waiting_.push_back(&request);
  request.waits = true;
  waiting_queries_ += queries;
}

// A request whose time is over goes, unless it is in a batch or leads. Takes the lock.
bool Queue::leave(const Request& request) {
  const std::lock_guard lock(mutex_);
  if (!request.waits || request.leads) return false;
  waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &request));
  waiting_queries_ -= request.queries.rows;
  ++stats_.requests;
  ++stats_.timeouts;
  stats_.queries += request.queries.rows;
  return true;
}

void Queue::ask(Request& request) {
  bool leads = false;
  base::entry(no_memory, [&] {
    const std::lock_guard lock(mutex_);
    enter(request);
    leads = !std::exchange(led_, true);
    request.leads = leads;
  });
  if (!leads) {
    Signal::Word word = request.waiter->wait_until(request.deadline);
    if (word == Signal::Word::none) {
      request.late = leave(request);
      if (!request.late) word = request.waiter->wait_until(Clock::time_point::max());
    }
    leads = word == Signal::Word::lead;
  }
  if (leads) lead(request.waiter.get());
  if (request.late) base::entry(no_memory, [&] { throw late_error(request); });
  if (request.error) throw Error(*request.error);
}

void Queue::add(std::unique_ptr<Submitted> request) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) start_thread();
  enter(*request);
  static_cast<void>(request.release());  // whoever answers it owns it
  if (std::exchange(led_, true)) return;
  thread_leads_ = true;
  told_.notify_one();
}

// Takes the batch at the front, a list; those that can be searched are in searched_, too. Requires
// the lock, and that something waits.
Request* Queue::take() {
  searched_.clear();
  Request* taken = nullptr;
  Request** end = &taken;
  std::size_t queries = 0;
  const Clock::time_point now = Clock::now();
  while (!waiting_.empty()) {
    Request& next = *waiting_.front();
    if (taken != nullptr && next.queries.rows > options_.most_batch_queries - queries) break;
    waiting_.pop_front();
    next.waits = false;
    waiting_queries_ -= next.queries.rows;
    queries += std::min(next.queries.rows, options_.most_batch_queries - queries);
    *end = &next;
    end = &next.next;
    ++stats_.requests;
    stats_.queries += next.queries.rows;
    if (now < next.deadline) {
      searched_.push_back(&next);
    } else {
      ++stats_.timeouts;
      next.late = true;
    }
  }
  stats_.largest_batch = std::max<std::uint64_t>(stats_.largest_batch, queries);
  return taken;
}

// `own`: the signal of this thread, which needs no word; null: it has none. Those that wait are
// answered before the lead is passed on: what they ask next is then in the next batch, and not in
// the one after it ("Batches of callers" in docs/measurements.md).
void Queue::lead(const Signal* own) {
  std::this_thread::yield();  // whoever could run now may ask, too
  Request* taken = nullptr;
  {
    const std::lock_guard lock(mutex_);
    taken = take();
  }
  const std::size_t searches = batch_.answer(searched_);
  Request* submitted = nullptr;
  Request** end = &submitted;
  while (taken != nullptr) {
    Request& request = *std::exchange(taken, taken->next);
    if (request.waiter == nullptr) {
      request.next = nullptr;
      *end = &request;
      end = &request.next;
    } else if (request.waiter.get() != own) {
      const std::shared_ptr<Signal> waiter = request.waiter;  // the request goes with its thread
      waiter->say(Signal::Word::done);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    stats_.batches += searches;
    pass_on();
  }
  // From here on another thread leads.
  while (submitted != nullptr) {
    const std::unique_ptr<Submitted> request(
        static_cast<Submitted*>(std::exchange(submitted, submitted->next)));
    request->answer();
  }
}

// Tells who leads now. Requires the lock.
void Queue::pass_on() {
  if (waiting_.empty()) {
    led_ = false;
    idle_.notify_all();
  } else if (Request& next = *waiting_.front(); next.waiter != nullptr) {
    next.leads = true;
    next.waiter->say(Signal::Word::lead);
  } else {
    thread_leads_ = true;
    told_.notify_one();
  }
}

// Throws Error (out_of_memory). Requires the lock.
void Queue::start_thread() {
  const base::SignalsLeftToHost masked;
  try {
    thread_ = std::thread([this] { lead_when_told(); });
  } catch (const std::system_error&) {
    throw Error(ErrorCode::out_of_memory,
                "the system refuses a thread to a Batcher; allow the process more threads");
  }
}

void Queue::lead_when_told() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      told_.wait(lock, [this] { return thread_leads_ || ends_; });
      if (!std::exchange(thread_leads_, false)) return;
    }
    lead(nullptr);
  }
}

}  // namespace maxdot::serve
