#include "serve/request.hpp"

#include <string>
#include <utility>

#include "api/index_parts.hpp"

namespace maxdot::serve {

void Signal::say(Word word) {
  const std::lock_guard lock(mutex_);
  word_ = word;
  said_.notify_one();
}

Signal::Word Signal::wait_until(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  const auto told = [this] { return word_ != Word::none; };
  // The end of the clock is further than a condition variable can count.
  if (deadline == Clock::time_point::max()) {
    said_.wait(lock, told);
  } else {
    said_.wait_until(lock, deadline, told);
  }
  return std::exchange(word_, Word::none);
}

void Submitted::answer() noexcept {
  if (late) error = if_late;
  if (error) result = {};
  done(std::move(result), error ? &*error : nullptr);
}

Error late_error(const Request& request) {
  return {ErrorCode::timeout, "the request's search had not begun within its timeout of " +
                                  std::to_string(request.options.timeout) +
                                  " seconds; allow more, or ask for less at once"};
}

void check(Request& request) {
  if (!(request.options.timeout >= 0.0)) {
    throw Error(ErrorCode::invalid_argument, "timeout: " + std::to_string(request.options.timeout) +
                                                 " is no number of seconds from 0 (0 = no limit)");
  }
  request.options.metric =
      api::checked_metric(request.options.metric.value_or(request.source->metric()));
  (void)api::checked_score_kind(request.options.score_kind);
  request.source->check(request.queries, request.options.filters);
}

}  // namespace maxdot::serve
