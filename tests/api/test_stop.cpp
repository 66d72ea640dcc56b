// Calls that end before they are done: an Error, soon, and never an answer.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "forked.hpp"
#include "maxdot/evaluate.hpp"
#include "maxdot/maxdot.hpp"
#include "maxdot/objective.hpp"
#include "maxdot/stop.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

struct Call {
  std::string name;
  std::function<void(const StopOptions&)> run;
};

/// Every kind of call that takes StopOptions, each on data that keep it busy.
struct Calls {
  test::Rows items = test::gaussian_rows(20000, 40, 1);
  test::Rows queries = test::gaussian_rows(300, 40, 2);
  Index index = Index::build(items.view(), {.metric = Metric::dot});
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> ids;
  std::vector<std::size_t> ks = {10};
  static constexpr std::size_t kLongList = 6000;
  std::vector<std::int64_t> long_offsets;
  std::vector<std::int64_t> long_ids;

  Calls() {
    for (std::size_t q = 0; q <= queries.rows; ++q) offsets.push_back(static_cast<std::int64_t>(q));
    for (std::size_t q = 0; q < queries.rows; ++q) ids.push_back(static_cast<std::int64_t>(q));
    for (std::size_t q = 0; q <= 20; ++q)
      long_offsets.push_back(static_cast<std::int64_t>(q * kLongList));
    for (std::size_t i = 0; i < 20 * kLongList; ++i)
      long_ids.push_back(static_cast<std::int64_t>(i % items.rows));
  }

  std::vector<Call> all(int threads) {
    const IdLists relevant = {offsets, ids};
    return {
        {"build",
         [=, this](const StopOptions& stop) {
           (void)Index::build(items.view(), {.threads = threads, .stop = stop});
         }},
        {"search",
         [=, this](const StopOptions& stop) {
           (void)index.search(queries.view(), 10, {.threads = threads, .stop = stop});
         }},
        {"search by rows",
         [=, this](const StopOptions& stop) {
           (void)index.search(queries.view(), 15000, {.threads = threads, .stop = stop});
         }},
        {"search one",
         [=, this](const StopOptions& stop) {
           (void)index.search(queries.view().slice(0, 1), 10, {.threads = threads, .stop = stop});
         }},
        {"search_multi",
         [=, this](const StopOptions& stop) {
           (void)index.search_multi(queries.view(), 3, 10, {.threads = threads, .stop = stop});
         }},
        {"search_range",
         [=, this](const StopOptions& stop) {
           const double threshold[] = {5.0};
           (void)index.search_range(queries.view(), threshold, {.threads = threads, .stop = stop});
         }},
        {"filters",
         [=, this](const StopOptions& stop) {
           SearchOptions options = {.threads = threads, .stop = stop};
           options.filters.allow = relevant;
           (void)index.search(queries.view(), 10, options);
         }},
        {"retrieval",
         [=, this](const StopOptions& stop) {
           evaluate::RetrievalOptions options;
           options.threads = threads;
           options.stop = stop;
           (void)evaluate::retrieval(index, queries.view(), relevant, ks, {}, options);
         }},
        {"ranks",
         [=, this](const StopOptions& stop) {
           (void)evaluate::ranks(index, queries.view(), relevant, {},
                                 {.threads = threads, .stop = stop});
         }},
        {"ranks beside long lists",
         [=, this](const StopOptions& stop) {
           (void)evaluate::ranks(index, queries.view().slice(0, 20), {long_offsets, long_ids},
                                 {long_offsets, long_ids}, {.threads = threads, .stop = stop});
         }},
        {"search beside long lists",
         [=, this](const StopOptions& stop) {
           SearchOptions options = {.threads = threads, .stop = stop};
           options.filters.exclude = {long_offsets, long_ids};
           (void)index.search(queries.view().slice(0, 20), 10, options);
         }},
        {"bootstrap",
         [=, this](const StopOptions& stop) {
           evaluate::Options options;
           options.bootstrap = 50;
           options.threads = threads;
           options.stop = stop;
           (void)evaluate::metrics(relevant, {ids, 1}, std::vector<std::size_t>{1}, options);
         }},
        {"log_partition",
         [=, this](const StopOptions& stop) {
           std::vector<double> out(queries.rows);
           objective::log_partition(index, queries.view(), out, {.threads = threads, .stop = stop});
         }},
    };
  }
};

/// The code of the Error that the call throws; 0 if it returns.
int code_of(const Call& call, const StopOptions& stop) {
  try {
    call.run(stop);
  } catch (const Error& error) {
    CHECK(std::string(error.what()) != "");
    return static_cast<int>(error.code());
  }
  return 0;
}

/// Says yes at the nth time that it is asked.
struct NthPoll {
  int left;
  static bool poll(void* context) { return --static_cast<NthPoll*>(context)->left <= 0; }
};

}  // namespace

TEST_CASE("a cancelled call, and one whose time is over, is an Error; the next one is right") {
  Calls calls;
  const SearchResult expected = calls.index.search(calls.queries.view(), 10);
  Cancellation cancelled;
  cancelled.cancel();
  const Cancellation never;
  for (const int threads : {1, 2, 5}) {
    for (const Call& call : calls.all(threads)) {
      INFO(call.name, ", ", threads, " threads");
      CHECK(code_of(call, {.cancellation = &cancelled}) == static_cast<int>(ErrorCode::cancelled));
      CHECK(code_of(call, {.timeout = 1e-9}) == static_cast<int>(ErrorCode::timeout));
      CHECK(code_of(call, {.cancellation = &never, .timeout = 3600.0}) == 0);
      CHECK(code_of(call, {.timeout = std::numeric_limits<double>::infinity()}) == 0);
    }
    const SearchResult got = calls.index.search(calls.queries.view(), 10, {.threads = threads});
    CHECK(test::difference(got, expected) == "");
  }
}

TEST_CASE("a timeout that is no time is refused") {
  Calls calls;
  for (const double timeout : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    for (const Call& call : calls.all(1)) {
      INFO(call.name);
      CHECK(code_of(call, {.timeout = timeout}) == static_cast<int>(ErrorCode::invalid_argument));
    }
  }
}

TEST_CASE("wherever a call is stopped, it is an Error and nothing is wrong afterwards") {
  Calls calls;
  const SearchResult expected = calls.index.search(calls.queries.view(), 10);
  for (const int threads : {1, 3}) {
    for (const Call& call : calls.all(threads)) {
      for (const int microseconds : {20, 100, 300, 1000, 3000}) {
        INFO(call.name, ", ", threads, " threads, ", microseconds, " us");
        Cancellation cancellation;
        std::thread other([&] {
          std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
          cancellation.cancel();
        });
        const int code = code_of(call, {.cancellation = &cancellation});
        other.join();
        CHECK((code == 0 || code == static_cast<int>(ErrorCode::cancelled)));
        const int late = code_of(call, {.timeout = microseconds * 1e-6});
        CHECK((late == 0 || late == static_cast<int>(ErrorCode::timeout)));
      }
    }
  }
  CHECK(test::difference(calls.index.search(calls.queries.view(), 10), expected) == "");
}

TEST_CASE("a host is asked while a call takes long, and can end it") {
  const test::Rows items = test::gaussian_rows(30000, 64, 1);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const test::Rows queries = test::gaussian_rows(30000, 64, 2);
  for (const int threads : {1, 2}) {
    NthPoll poll = {1};
    const Call call = {"search", [&](const StopOptions& stop) {
                         (void)index.search(queries.view(), 10, {.threads = threads, .stop = stop});
                       }};
    CHECK(code_of(call, {.poll = NthPoll::poll, .poll_context = &poll}) ==
          static_cast<int>(ErrorCode::cancelled));
    CHECK(poll.left <= 0);
  }
}

namespace {

/// A host that searches when it is asked.
struct Searches {
  const Index& index;
  MatrixView queries;
  SearchResult expected;
  int times = 0;
  bool right = true;

  static bool poll(void* context) {
    auto& own = *static_cast<Searches*>(context);
    ++own.times;
    own.right = own.right && test::difference(own.index.search(own.queries, 10, {.threads = 1}),
                                              own.expected) == "";
    return own.times >= 5;
  }
};

/// A host that forks when it is asked, and whose child goes on.
struct Forks {
  pid_t child = -1;

  static bool poll(void* context) {
    auto& own = *static_cast<Forks*>(context);
    if (own.child >= 0) return true;
    own.child = fork();
    if (own.child == 0) alarm(60);
    return false;
  }
};

}  // namespace

TEST_CASE("a host may search when it is asked, briefly or for long") {
  const test::Rows items = test::gaussian_rows(30000, 64, 1);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const test::Rows queries = test::gaussian_rows(30000, 64, 2);
  for (const std::size_t count : {std::size_t{1}, std::size_t{40}, std::size_t{300}}) {
    const MatrixView few = queries.view().slice(0, count);
    Searches host = {index, few, index.search(few, 10)};
    for (const int threads : {1, 2}) {
      host.times = 0;
      const Call call = {"search", [&](const StopOptions& stop) {
                           (void)index.search(queries.view(), 10,
                                              {.threads = threads, .stop = stop});
                         }};
      const int code = code_of(call, {.poll = Searches::poll, .poll_context = &host});
      CHECK((code == 0 || code == static_cast<int>(ErrorCode::cancelled)));
      CHECK(host.times > 0);
      CHECK(host.right);
    }
  }
}

TEST_CASE("a child that a host forks when it is asked gets an Error, its parent an answer" *
          doctest::skip(!test::kForksWithThreads)) {
  const test::Rows items = test::gaussian_rows(30000, 64, 1);
  const Index index = Index::build(items.view(), {.metric = Metric::dot});
  const test::Rows queries = test::gaussian_rows(30000, 64, 2);
  for (const int threads : {1, 3}) {
    Forks host;
    const Call call = {"search", [&](const StopOptions& stop) {
                         (void)index.search(queries.view(), 10, {.threads = threads, .stop = stop});
                       }};
    const int code = code_of(call, {.poll = Forks::poll, .poll_context = &host});
    if (host.child == 0) {
      const bool right = code == static_cast<int>(ErrorCode::cancelled) &&
                         index.search(queries.view().slice(0, 5), 3, {.threads = threads}).k == 3;
      _exit(right ? 0 : 1);
    }
    CHECK(code == static_cast<int>(ErrorCode::cancelled));  // asked a second time, it ends
    int status = 0;
    CHECK(waitpid(host.child, &status, 0) == host.child);
    CHECK(status == 0);
  }
}
