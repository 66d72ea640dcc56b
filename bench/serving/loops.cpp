#include "loops.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "arrivals.hpp"
#include "console/failure.hpp"
#include "exchange.hpp"

namespace maxdot::load {
namespace {

using tools::ExitCode;
using tools::Failure;

// Times and latencies of so many take 3 GB.
constexpr double kMostRequests = 1e8;
constexpr std::size_t kShownBytes = 200;

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

class ClosedLoop {
 public:
  ClosedLoop(const Target& target, const Options& options)
      : target_(target),
        options_(options),
        exchange_(target.address, options.closed_connections,
                  [this](std::size_t number, unsigned status, const std::string& body) {
                    on_answer(number, status, body);
                  }) {
    outcome_.seconds = static_cast<double>(options.seconds);
  }

  Outcome run() {
    begin_ = Clock::now();
    while (exchange_.has_free()) ask(begin_);
    exchange_.run_until(begin_ + std::chrono::seconds(options_.seconds + options_.patience));
    outcome_.unanswered = sent_.size() - done_;
    outcome_.requests = sent_.size();
    // The answers after the end count, and so does the time that they took: of a slow server they
    // may be most of all.
    outcome_.in_time = outcome_.with(200);
    outcome_.seconds = std::max(outcome_.seconds, last_);
    return std::move(outcome_);
  }

 private:
  void ask(Clock::time_point now) {
    const std::size_t number = sent_.size();
    sent_.push_back(seconds_between(begin_, now));
    exchange_.ask(number, target_.requests[number % target_.requests.size()]);
  }

  void on_answer(std::size_t number, unsigned status, const std::string& body) {
    const auto now = Clock::now();
    const double time = seconds_between(begin_, now);
    ++done_;
    last_ = time;
    outcome_.count(status, time, time - sent_[number],
                   body == target_.answers[number % target_.answers.size()]);
    if (time < outcome_.seconds) ask(now);
  }

  const Target& target_;
  const Options& options_;
  Outcome outcome_;
  std::vector<double> sent_;  // [seconds] since the beginning
  std::size_t done_ = 0;
  double last_ = 0;  // [seconds] since the beginning: the last answer
  Clock::time_point begin_;
  Exchange exchange_;
};

class OpenLoop {
 public:
  OpenLoop(const Target& target, const Options& options, double rate)
      : target_(target),
        options_(options),
        due_(poisson_times(rate, static_cast<double>(options.seconds), options.seed)),
        exchange_(target.address, options.connections,
                  [this](std::size_t number, unsigned status, const std::string& body) {
                    on_answer(number, status, body);
                  }),
        timer_(exchange_.io()) {
    outcome_.offered = rate;
    outcome_.seconds = static_cast<double>(options.seconds);
    outcome_.requests = due_.size();
    outcome_.answered.reserve(due_.size());
    outcome_.late.reserve(due_.size());
  }

  Outcome run() {
    begin_ = Clock::now();
    wait_for_next();
    exchange_.run_until(begin_ + std::chrono::seconds(options_.seconds + options_.patience));
    outcome_.unanswered = due_.size() - done_;
    return std::move(outcome_);
  }

 private:
  void wait_for_next() {
    if (arrived_ == due_.size()) return;
    timer_.expires_at(begin_ + duration_of(due_[arrived_]));
    timer_.async_wait([this](boost::system::error_code) { on_due(); });
  }

  // Requests are sent in the order in which they are due, so [sent_, arrived_) is the queue.
  void on_due() {
    for (; arrived_ < due_.size(); ++arrived_) {
      const double now = seconds_between(begin_, Clock::now());
      if (due_[arrived_] > now) break;
      if (exchange_.has_free()) {
        outcome_.late.push_back(now - due_[arrived_]);
        send();
      } else {
        ++outcome_.queued;
      }
    }
    wait_for_next();
  }

  void send() {
    const std::size_t number = sent_++;
    exchange_.ask(number, target_.requests[number % target_.requests.size()]);
  }

  void on_answer(std::size_t number, unsigned status, const std::string& body) {
    const double now = seconds_between(begin_, Clock::now());
    ++done_;
    outcome_.count(status, now, now - due_[number],
                   body == target_.answers[number % target_.answers.size()]);
    if (sent_ < arrived_) send();
  }

  const Target& target_;
  const Options& options_;
  Outcome outcome_;
  std::vector<double> due_;  // [seconds] since the beginning
  std::size_t arrived_ = 0;  // how many were due so far
  std::size_t sent_ = 0;
  std::size_t done_ = 0;
  Clock::time_point begin_;
  Exchange exchange_;
  boost::asio::steady_timer timer_;
};

}  // namespace

std::vector<std::string> first_answers(const Target& target, const Options& options) {
  std::vector<std::string> answers;
  unsigned status = kNoAnswer;
  Exchange exchange(target.address, 1, [&](std::size_t, unsigned got, const std::string& body) {
    status = got;
    answers.push_back(body);
  });
  for (std::size_t number = 0; number < target.requests.size(); ++number) {
    exchange.ask(number, target.requests[number]);
    exchange.io().restart();
    exchange.run_until(Clock::now() + std::chrono::seconds(options.patience));
    const std::string where = options.server + ": query " + std::to_string(number);
    if (answers.size() == number || status == kNoAnswer) {
      throw Failure(ExitCode::io, where + " got no answer within --patience, or the connection " +
                                      "ended; is this an HTTP server that runs?");
    }
    if (status != 200) {
      throw Failure(ExitCode::check_failed,
                    where + " got status " + std::to_string(status) +
                        " from a server without load: " + answers.back().substr(0, kShownBytes) +
                        "; look at --model, --path and the queries' dimension");
    }
  }
  return answers;
}

Outcome closed_loop(const Target& target, const Options& options) {
  return ClosedLoop(target, options).run();
}

void check_rates(const std::vector<double>& rates, const Options& options) {
  for (const double rate : rates) {
    if (rate * static_cast<double>(options.seconds) <= kMostRequests) continue;
    throw Failure(ExitCode::usage,
                  "--rate: a run of more than 100,000,000 requests; offer fewer a second, or for "
                  "fewer --seconds");
  }
}

Outcome open_loop(const Target& target, const Options& options, double rate) {
  return OpenLoop(target, options, rate).run();
}

}  // namespace maxdot::load
