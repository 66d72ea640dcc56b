// The Batcher from C: the answers of maxdot_search, a status for each request that gets none, and
// for whatever a caller does wrong.
#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "c/c_calls.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

namespace test = maxdot::test;

using test::matrix_of;
using test::says;

namespace {

constexpr std::size_t kItems = 500;
constexpr std::size_t kDimension = 12;
constexpr std::size_t kQueries = 40;

struct Case {
  test::Rows items = test::gaussian_rows(kItems, kDimension, 1);
  test::Rows queries = test::gaussian_rows(kQueries, kDimension, 2);
  maxdot_matrix all = matrix_of(queries);
  maxdot::Index index = maxdot::Index::build(items.view());
  maxdot_index* handle = nullptr;
  maxdot_batcher* batcher = nullptr;

  explicit Case(std::int64_t most_waiting_queries = 0) {
    const maxdot_matrix rows = matrix_of(items);
    REQUIRE(maxdot_build(&rows, nullptr, &handle) == MAXDOT_OK);
    maxdot_batcher_options options;
    MAXDOT_INIT(options);
    options.most_waiting_queries = most_waiting_queries;
    REQUIRE(maxdot_batcher_create(handle, &options, &batcher) == MAXDOT_OK);
  }
  ~Case() {
    maxdot_batcher_free(batcher);
    maxdot_close(handle);
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  maxdot_matrix query(std::size_t row) const {
    maxdot_matrix one = all;
    one.data = queries.values.data() + row * kDimension;
    one.rows = 1;
    return one;
  }
  std::uint64_t waiting() const {
    maxdot_batcher_stats stats;
    MAXDOT_INIT(stats);
    REQUIRE(maxdot_batcher_get_stats(batcher, &stats) == MAXDOT_OK);
    return stats.waiting_queries;
  }
};

/// What an answer said.
struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  int status = -1;
  std::string error;
  maxdot::SearchResult result;

  static void answered(void* context, const maxdot_answer* answer) {
    auto& told = *static_cast<Told*>(context);
    const std::lock_guard lock(told.mutex);
    ++told.calls;
    told.status = answer->status;
    told.error = answer->error;
    told.result.queries = static_cast<std::size_t>(answer->queries);
    told.result.k = static_cast<std::size_t>(answer->k);
    const std::int64_t cells = answer->queries * answer->k;
    told.result.ids.assign(answer->ids, answer->ids + cells);
    told.result.scores.assign(answer->scores, answer->scores + cells);
    told.result.counts.assign(answer->counts, answer->counts + answer->queries);
    told.changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return calls != 0; });
  }
};

/// While it lives, what is asked waits: the Batcher's thread is within an answer, and is to search
/// the one request that waits behind it.
class Gate {
 public:
  explicit Gate(const Case& c) {
    const maxdot_matrix query = c.query(0);
    REQUIRE(maxdot_batcher_submit(c.batcher, &query, 1, nullptr, answered, this) == MAXDOT_OK);
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return entered_; });
    }
    REQUIRE(maxdot_batcher_submit(c.batcher, &query, 1, nullptr, Told::answered, &behind_) ==
            MAXDOT_OK);
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
      changed_.notify_all();
    }
    behind_.wait();
  }

 private:
  static void answered(void* context, const maxdot_answer*) {
    auto& gate = *static_cast<Gate*>(context);
    std::unique_lock lock(gate.mutex_);
    gate.entered_ = true;
    gate.changed_.notify_all();
    gate.changed_.wait(lock, [&] { return gate.open_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
  Told behind_;
};

}  // namespace

TEST_CASE("C batcher: threads that wait get the answers of a search alone") {
  const Case c;
  std::vector<std::uint8_t> mask(kItems, 1);
  for (std::size_t i = 0; i < kItems; i += 3) mask[i] = 0;
  const std::int64_t offsets[] = {0, 3};
  const std::int64_t ids[] = {4, 7, 100};
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (std::size_t t = 0; t < 4; ++t) {
    callers.emplace_back([&, t] {
      for (std::size_t i = t; i < kQueries; ++i) {
        maxdot_request_options options;
        MAXDOT_INIT(options);
        maxdot::SearchOptions same = {.threads = 1};
        if (i % 2 == 0) {
          options.metric = MAXDOT_EUCLIDEAN;
          options.score_kind = MAXDOT_KEYS;
          same.metric = maxdot::Metric::euclidean;
          same.score_kind = maxdot::ScoreKind::keys;
        }
        if (i % 3 == 0) {
          options.exclude = {offsets, ids};
          same.filters.exclude = {offsets, ids};
        }
        if (i % 5 == 0) {
          options.allow = {offsets, ids};
          same.filters.allow = {offsets, ids};
        }
        if (i % 7 == 0) {
          options.item_mask = mask.data();
          options.item_mask_size = static_cast<std::int64_t>(mask.size());
          same.filters.item_mask = mask;
        }
        const std::size_t k = 1 + i % 9;
        const maxdot_matrix query = c.query(i);
        maxdot::SearchResult got = {.queries = 1, .k = k, .ids = {}, .scores = {}, .counts = {}};
        got.ids.resize(k);
        got.scores.resize(k);
        got.counts.resize(1);
        const maxdot_status status = maxdot_batcher_search(
            c.batcher, &query, static_cast<std::int64_t>(k), i == 11 ? nullptr : &options,
            got.ids.data(), got.scores.data(), got.counts.data());
        const maxdot::SearchResult expected = c.index.search(c.queries.view().slice(i, 1), k, same);
        if (status != MAXDOT_OK || !test::difference(got, expected).empty() ||
            got.counts != expected.counts) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("C batcher: what was submitted is answered once, with the results of a search alone") {
  Case c;
  std::vector<Told> told(kQueries);
  for (std::size_t i = 0; i < kQueries; ++i) {
    const maxdot_matrix query = c.query(i);
    REQUIRE(maxdot_batcher_submit(c.batcher, &query, static_cast<std::int64_t>(i % 7), nullptr,
                                  Told::answered, &told[i]) == MAXDOT_OK);
  }
  Told none;
  maxdot_matrix nothing = c.all;
  nothing.rows = 0;
  CHECK(maxdot_batcher_submit(c.batcher, &nothing, 3, nullptr, Told::answered, &none) == MAXDOT_OK);
  CHECK(none.calls == 1);
  CHECK(none.status == MAXDOT_OK);
  maxdot_batcher_free(c.batcher);  // waits for all
  c.batcher = nullptr;
  for (std::size_t i = 0; i < kQueries; ++i) {
    CAPTURE(i);
    CHECK(told[i].calls == 1);
    CHECK(told[i].status == MAXDOT_OK);
    CHECK(told[i].error.empty());
    const maxdot::SearchResult expected = c.index.search(c.queries.view().slice(i, 1), i % 7);
    CHECK(test::difference(told[i].result, expected) == "");
    CHECK(told[i].result.counts == expected.counts);
  }
}

TEST_CASE("C batcher: too many that wait, and one whose time is over") {
  const Case c(3);
  std::int64_t ids[2];
  double scores[2];
  Told late;
  Told patient;
  const maxdot_matrix query = c.query(1);
  maxdot_request_options options;
  MAXDOT_INIT(options);
  {
    const Gate gate(c);  // one request waits
    options.timeout = 0.01;
    CHECK(maxdot_batcher_search(c.batcher, &query, 2, &options, ids, scores, nullptr) ==
          MAXDOT_TIMEOUT);
    CHECK(says("timeout of 0.01"));
    options.timeout = 1e-9;
    REQUIRE(maxdot_batcher_submit(c.batcher, &query, 2, &options, Told::answered, &late) ==
            MAXDOT_OK);
    options.timeout = 1e6;
    REQUIRE(maxdot_batcher_submit(c.batcher, &query, 2, &options, Told::answered, &patient) ==
            MAXDOT_OK);
    CHECK(c.waiting() == 3);
    Told refused;
    CHECK(maxdot_batcher_submit(c.batcher, &query, 2, nullptr, Told::answered, &refused) ==
          MAXDOT_OVERLOADED);
    CHECK(says("most_waiting_queries"));
    CHECK(maxdot_batcher_search(c.batcher, &query, 2, nullptr, ids, scores, nullptr) ==
          MAXDOT_OVERLOADED);
    CHECK(refused.calls == 0);
  }
  late.wait();
  CHECK(late.status == MAXDOT_TIMEOUT);
  CHECK(late.error.find("timeout of") != std::string::npos);
  CHECK(late.result.ids.empty());
  patient.wait();
  CHECK(patient.status == MAXDOT_OK);
  CHECK(patient.result.ids == c.index.search(c.queries.view().slice(1, 1), 2).ids);
  maxdot_batcher_stats stats;
  MAXDOT_INIT(stats);
  REQUIRE(maxdot_batcher_get_stats(c.batcher, &stats) == MAXDOT_OK);
  CHECK(stats.requests == 5);
  CHECK(stats.queries == 5);
  CHECK(stats.batches == 2);  // the patient one shares that of the request behind the gate
  CHECK(stats.largest_batch == 3);
  CHECK(stats.overloaded == 2);
  CHECK(stats.timeouts == 2);
  CHECK(stats.waiting_queries == 0);
}

TEST_CASE("C batcher: another index, which may have another dimension") {
  const Case c;
  const test::Rows wide = test::gaussian_rows(50, 31, 5);
  const maxdot_matrix rows = matrix_of(wide);
  Told before;
  {
    const Gate gate(c);
    const maxdot_matrix query = c.query(3);
    REQUIRE(maxdot_batcher_submit(c.batcher, &query, 4, nullptr, Told::answered, &before) ==
            MAXDOT_OK);
    maxdot_index* next = nullptr;
    REQUIRE(maxdot_build(&rows, nullptr, &next) == MAXDOT_OK);
    REQUIRE(maxdot_batcher_replace(c.batcher, next) == MAXDOT_OK);
    maxdot_close(next);
    CHECK(maxdot_batcher_submit(c.batcher, &query, 4, nullptr, Told::answered, &before) ==
          MAXDOT_INVALID_ARGUMENT);
  }
  before.wait();
  CHECK(before.result.ids == c.index.search(c.queries.view().slice(3, 1), 4).ids);
  std::vector<std::int64_t> ids(150);
  std::vector<double> scores(150);
  REQUIRE(maxdot_batcher_search(c.batcher, &rows, 3, nullptr, ids.data(), scores.data(), nullptr) ==
          MAXDOT_OK);
  CHECK(ids == maxdot::Index::build(wide.view()).search(wide.view(), 3).ids);
}

TEST_CASE("C batcher: what does not fit is a status") {
  const Case c;
  maxdot_batcher* made = nullptr;
  std::int64_t ids[2];
  double scores[2];
  const maxdot_matrix query = c.query(0);
  const auto refuses = [](maxdot_status status, const char* part) {
    return status == MAXDOT_INVALID_ARGUMENT && says(part);
  };
  CHECK(refuses(maxdot_batcher_create(nullptr, nullptr, &made), "index"));
  CHECK(refuses(maxdot_batcher_create(c.handle, nullptr, nullptr), "made"));
  const auto with_option = [&](auto change, const char* part) {
    maxdot_batcher_options bad;
    MAXDOT_INIT(bad);
    change(bad);
    made = c.batcher;
    return refuses(maxdot_batcher_create(c.handle, &bad, &made), part) && made == nullptr;
  };
  using Options = maxdot_batcher_options;
  CHECK(with_option([](Options& o) { o.struct_size = 0; }, "MAXDOT_INIT"));
  CHECK(with_option([](Options& o) { o.threads = -2; }, "threads"));
  CHECK(with_option([](Options& o) { o.most_batch_queries = -1; }, "most_batch_queries"));
  CHECK(with_option([](Options& o) { o.most_batch_queries = 65537; }, "most_batch_queries"));
  CHECK(with_option([](Options& o) { o.most_waiting_queries = -1; }, "most_waiting_queries"));

  Told told;
  std::vector<std::uint8_t> mask(kItems, 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto both_refuse = [&](const maxdot_matrix* queries, std::int64_t k,
                               const maxdot_request_options* options, const char* part) {
    return refuses(maxdot_batcher_search(c.batcher, queries, k, options, ids, scores, nullptr),
                   part) &&
           refuses(maxdot_batcher_submit(c.batcher, queries, k, options, Told::answered, &told),
                   part);
  };
  const auto with_request = [&](auto change, const char* part) {
    maxdot_request_options bad;
    MAXDOT_INIT(bad);
    change(bad);
    return both_refuse(&query, 2, &bad, part);
  };
  using Request = maxdot_request_options;
  CHECK(with_request([](Request& o) { o.struct_size = 3; }, "MAXDOT_INIT"));
  CHECK(with_request([](Request& o) { o.metric = 9; }, "metric"));
  CHECK(with_request([](Request& o) { o.score_kind = 9; }, "score_kind"));
  CHECK(with_request([](Request& o) { o.timeout = -1.0; }, "timeout"));
  CHECK(with_request([&](Request& o) { o.timeout = nan; }, "timeout"));
  CHECK(with_request([&](Request& o) { o.exclude.ids = ids; }, "offsets"));
  CHECK(with_request([&](Request& o) { o.item_mask = mask.data(); }, "item_mask_size"));
  CHECK(with_request([](Request& o) { o.item_mask_size = 4; }, "item_mask_size"));
  CHECK(with_request([](Request& o) { o.item_mask_size = -4; }, "item_mask_size"));
  CHECK(with_request(
      [&](Request& o) {
        o.item_mask = mask.data();
        o.item_mask_size = 4;
      },
      "item_mask"));
  maxdot_matrix narrow = query;
  narrow.cols = 3;
  CHECK(both_refuse(nullptr, 2, nullptr, "queries"));
  CHECK(both_refuse(&query, -2, nullptr, "k: -2"));
  CHECK(both_refuse(&narrow, 2, nullptr, "dimension"));
  CHECK(
      refuses(maxdot_batcher_search(nullptr, &query, 2, nullptr, ids, scores, nullptr), "batcher"));
  CHECK(refuses(maxdot_batcher_search(c.batcher, &query, 2, nullptr, nullptr, scores, nullptr),
                "ids"));
  CHECK(refuses(maxdot_batcher_submit(nullptr, &query, 2, nullptr, Told::answered, &told),
                "batcher"));
  CHECK(refuses(maxdot_batcher_submit(c.batcher, &query, 2, nullptr, nullptr, &told), "answered"));
  CHECK(maxdot_batcher_submit(c.batcher, &query, std::numeric_limits<std::int64_t>::max(), nullptr,
                              Told::answered, &told) == MAXDOT_OUT_OF_MEMORY);
  CHECK(refuses(maxdot_batcher_replace(nullptr, c.handle), "batcher"));
  CHECK(refuses(maxdot_batcher_replace(c.batcher, nullptr), "index"));
  CHECK(told.calls == 0);

  maxdot_batcher_stats stats;
  MAXDOT_INIT(stats);
  CHECK(refuses(maxdot_batcher_get_stats(nullptr, &stats), "batcher"));
  CHECK(refuses(maxdot_batcher_get_stats(c.batcher, nullptr), "stats"));
  CHECK(maxdot_batcher_get_stats(c.batcher, &stats) == MAXDOT_OK);
  CHECK(stats.requests == 0);
  // A caller of an earlier version: nothing is written behind its struct.
  std::memset(&stats, 0x55, sizeof stats);
  stats.struct_size = offsetof(maxdot_batcher_stats, batches);
  CHECK(maxdot_batcher_get_stats(c.batcher, &stats) == MAXDOT_OK);
  CHECK(stats.queries == 0);
  CHECK(stats.batches == 0x5555555555555555U);
  stats.struct_size = 0;
  CHECK(refuses(maxdot_batcher_get_stats(c.batcher, &stats), "stats"));
  maxdot_batcher_free(nullptr);
}

TEST_CASE("C batcher: pthread_cancel waits until it is given back") {
  Case c;
  {
    Told told;  // the Batcher has a thread from now on, which is waited for
    const maxdot_matrix query = c.query(0);
    REQUIRE(maxdot_batcher_submit(c.batcher, &query, 1, nullptr, Told::answered, &told) ==
            MAXDOT_OK);
    told.wait();
  }
  std::atomic<bool> freed = false;
  std::thread frees([&] {
    pthread_cancel(pthread_self());
    maxdot_batcher_free(c.batcher);
    freed = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);  // a std::thread cannot be cancelled
  });
  frees.join();
  c.batcher = nullptr;
  CHECK(freed);
}
