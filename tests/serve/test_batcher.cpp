// The Batcher: the answers of Index::search whatever shares a batch, and an error for each request
// that gets none.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "alloc_faults.hpp"
#include "files.hpp"
#include "maxdot/batcher.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/live_index.hpp"
#include "support.hpp"

using namespace maxdot;
using test::code_of;
using test::Folder;

namespace {

/// Until it is opened, what a Batcher is asked waits: its thread is within a callback, and the lead
/// is its.
class Gate {
 public:
  Gate(Batcher& batcher, const MatrixView& query) {
    batcher.submit(query, 1, [this](SearchResult&&, const Error*) {
      std::unique_lock lock(mutex_);
      entered_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    });
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return entered_; });
    }
    first_ = batcher.submit(query, 1);
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { open(); }

  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
  std::future<SearchResult> first_;
};

/// Waits until so many queries wait.
void wait_for(const Batcher& batcher, std::uint64_t queries) {
  while (batcher.stats().waiting_queries < queries) std::this_thread::yield();
}

/// A request of any kind, and the answer of a search alone.
struct Asked {
  test::Rows rows;
  MatrixView queries;
  std::size_t k = 0;
  RequestOptions options;
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> ids;

  Asked(std::mt19937_64& random, std::size_t items, std::size_t dimension,
        const std::vector<std::uint8_t>& mask) {
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    rows = test::gaussian_rows(below(8) == 0 ? 1 + below(20) : 1, dimension, random());
    queries = rows.view();
    k = std::vector<std::size_t>{0, 1, 3, 10, 10, 10, 100, items + 5}[below(8)];
    if (below(4) == 0) options.metric = static_cast<Metric>(below(3));
    if (below(5) == 0) options.score_kind = ScoreKind::keys;
    if (below(4) == 0) options.filters.item_mask = mask;
    offsets.push_back(0);
    for (std::size_t q = 0; q < queries.rows; ++q) {
      for (std::size_t n = below(30); n > 0; --n)
        ids.push_back(static_cast<std::int64_t>(below(items)));
      offsets.push_back(static_cast<std::int64_t>(ids.size()));
    }
    if (below(3) == 0) options.filters.exclude = {offsets, ids};
    if (below(5) == 0) options.filters.allow = {offsets, ids};
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  SearchResult alone(const Index& index) const {
    SearchOptions same = {.threads = 1, .metric = options.metric};
    same.filters = options.filters;
    same.score_kind = options.score_kind;
    return index.search(queries, k, same);
  }
};

constexpr std::size_t kItems = 700;
constexpr std::size_t kDimension = 9;

struct Catalogue {
  test::Rows items = test::gaussian_rows(kItems, kDimension, 1);
  Index index = Index::build(items.view(), {.metric = Metric::dot});
  std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(kItems, 1);
  test::Rows queries = test::gaussian_rows(64, kDimension, 2);

  Catalogue() {
    for (std::size_t i = 0; i < kItems; i += 3) mask[i] = 0;
  }
  MatrixView query(std::size_t row) const { return queries.view().slice(row, 1); }
};

}  // namespace

TEST_CASE("batcher: answers are those of a search alone, whatever shares the batch") {
  const Catalogue data;
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{256}}) {
    CAPTURE(most);
    Batcher batcher(data.index, {.most_batch_queries = most, .threads = 2});
    std::atomic<int> wrong = 0;
    std::vector<std::thread> callers;
    for (unsigned t = 0; t < 6; ++t) {
      callers.emplace_back([&, t] {
        std::mt19937_64 random(100 * most + t);
        for (int i = 0; i < 120; ++i) {
          const Asked asked(random, kItems, kDimension, data.mask);
          const SearchResult expected = asked.alone(data.index);
          const SearchResult got = i % 4 == 0
                                       ? batcher.submit(asked.queries, asked.k, asked.options).get()
                                       : batcher.search(asked.queries, asked.k, asked.options);
          if (!test::difference(got, expected).empty() || got.counts != expected.counts) ++wrong;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(wrong == 0);
    const BatcherStats stats = batcher.stats();
    CHECK(stats.requests == 720);
    CHECK(stats.waiting_queries == 0);
    CHECK(stats.overloaded + stats.timeouts == 0);
  }
}

TEST_CASE("batcher: what waits is one batch, and requests of one kind one search") {
  const Catalogue data;
  Batcher batcher(data.index, {.threads = 1});
  const std::uint64_t before = [&] {
    Gate gate(batcher, data.query(0));
    std::vector<std::future<SearchResult>> answers;
    for (std::size_t i = 0; i < 40; ++i)
      answers.push_back(batcher.submit(data.query(i), 5 + i % 3));
    const std::uint64_t searches = batcher.stats().batches;
    gate.open();
    for (std::size_t i = 0; i < 40; ++i) {
      CHECK(test::difference(answers[i].get(), data.index.search(data.query(i), 5 + i % 3)) == "");
    }
    return searches;
  }();
  const BatcherStats stats = batcher.stats();
  CHECK(stats.batches == before + 2);  // the gate's k is 1, too small to share
  CHECK(stats.largest_batch == 41);
  CHECK(stats.requests == 42);
}

TEST_CASE("batcher: an observer is told of every search that succeeded") {
  const Folder folder;
  LiveIndex index = LiveIndex::create(folder / "items", kDimension);
  const test::Rows items = test::gaussian_rows(kItems, kDimension, 1);
  index.replace(Index::build(items.view()));
  const test::Rows queries = test::gaussian_rows(64, kDimension, 2);
  const auto query = [&](std::size_t row, std::size_t n = 1) {
    return queries.view().slice(row, n);
  };
  struct Told {
    std::vector<double> waited;
    BatchReport report;
  };
  std::vector<Told> told;  // one at a time, and before the answers
  {
    Batcher batcher(index,
                    {.threads = 1, .on_batch = [&](const BatchReport& report) {
                       told.push_back({{report.waited.begin(), report.waited.end()}, report});
                     }});
    (void)batcher.search(query(0, 3), 5);
    REQUIRE(told.size() == 1);
    CHECK(told[0].report.queries == 3);
    CHECK(told[0].waited.size() == 1);
    CHECK(told[0].report.seconds > 0.0);
    SearchStats alone;
    (void)index.search(query(0, 3), 5, {.threads = 1, .stats = &alone});
    for (const auto& field : search_stats_fields) {
      CAPTURE(field.name);
      CHECK(told[0].report.stats.*field.value == alone.*field.value);
    }

    Gate gate(batcher, query(0));
    std::vector<std::future<SearchResult>> answers;
    for (std::size_t i = 0; i < 20; ++i) answers.push_back(batcher.submit(query(i, 2), 5));
    for (std::size_t i = 0; i < 4; ++i) answers.push_back(batcher.submit(query(i), 50));
    RequestOptions hurried;
    hurried.timeout = 1e-9;
    std::future<SearchResult> late = batcher.submit(query(0), 5, hurried);
    gate.open();
    for (std::future<SearchResult>& answer : answers) (void)answer.get();
    CHECK(code_of([&] { (void)late.get(); }) == ErrorCode::timeout);
  }
  // That of the gate, and the three of what waited: k = 1, 5 and 50.
  REQUIRE(told.size() == 5);
  CHECK(told[2].report.queries == 1);
  CHECK(told[3].report.queries == 40);
  CHECK(told[3].waited.size() == 20);
  CHECK(told[3].report.stats.queries == 40);
  CHECK(told[4].report.queries == 4);
  CHECK(told[4].waited.size() == 4);
  for (const Told& each : told)
    for (const double seconds : each.waited) CHECK(seconds >= 0.0);
  // Those of one batch wait for the searches before theirs.
  CHECK(told[4].waited[0] > told[3].report.seconds);

  // A search that fails is not reported: the catalogue gets another dimension before it begins.
  told.clear();
  Batcher batcher(index, {.threads = 1, .on_batch = [&](const BatchReport& report) {
                            told.push_back({{}, report});
                          }});
  Gate gate(batcher, query(0));
  std::future<SearchResult> failed = batcher.submit(query(0), 5);
  index.replace(Index::build(test::gaussian_rows(20, 3, 7).view()));
  gate.open();
  CHECK(code_of([&] { (void)failed.get(); }) == ErrorCode::invalid_argument);
  CHECK(told.size() == 1);
}

TEST_CASE("batcher: more than may wait are refused at once, and later accepted") {
  const Catalogue data;
  Batcher batcher(data.index, {.most_waiting_queries = 4, .threads = 1});
  Gate gate(batcher, data.query(0));  // one of its requests waits
  std::future<SearchResult> second = batcher.submit(data.query(1), 2);
  std::thread caller([&] {
    CHECK(test::difference(batcher.search(data.queries.view().slice(2, 2), 3),
                           data.index.search(data.queries.view().slice(2, 2), 3)) == "");
  });
  wait_for(batcher, 4);
  CHECK(code_of([&] { (void)batcher.search(data.query(4), 2); }) == ErrorCode::overloaded);
  CHECK(code_of([&] { (void)batcher.submit(data.query(4), 2); }) == ErrorCode::overloaded);
  gate.open();
  caller.join();
  CHECK(second.get().ids.size() == 2);
  CHECK(batcher.search(data.query(4), 2).ids.size() == 2);
  // More than may wait: alone, where nothing waits.
  CHECK(test::difference(batcher.search(data.queries.view(), 3),
                         data.index.search(data.queries.view(), 3)) == "");
  CHECK(batcher.stats().overloaded == 2);
}

TEST_CASE("batcher: a request whose search does not begin in time gets an error, others do not") {
  const Catalogue data;
  Batcher batcher(data.index, {.threads = 1});
  Gate gate(batcher, data.query(0));
  // The gate is shut: the thread that waits comes back by itself.
  CHECK(code_of([&] { (void)batcher.search(data.query(1), 2, {.timeout = 0.01}); }) ==
        ErrorCode::timeout);
  std::future<SearchResult> late = batcher.submit(data.query(2), 2, {.timeout = 1e-6});
  std::future<SearchResult> patient = batcher.submit(data.query(3), 2, {.timeout = 1e6});
  std::future<SearchResult> endless = batcher.submit(data.query(3), 2, {.timeout = 1e300});
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  gate.open();
  CHECK(code_of([&] { (void)late.get(); }) == ErrorCode::timeout);
  CHECK(test::difference(patient.get(), data.index.search(data.query(3), 2)) == "");
  CHECK(test::difference(endless.get(), data.index.search(data.query(3), 2)) == "");
  CHECK(batcher.stats().timeouts == 2);
  CHECK(batcher.stats().requests == 6);
}

TEST_CASE("batcher: what cannot be searched is refused before it waits") {
  const Catalogue data;
  Batcher batcher(data.index);
  std::vector<float> bad(kDimension, NAN);
  const MatrixView nan = MatrixView::f32(bad.data(), 1, kDimension);
  const MatrixView narrow = MatrixView::f32(bad.data(), 1, kDimension - 1);
  const std::vector<std::int64_t> offsets = {0, 0, 0};
  const std::vector<std::uint8_t> mask(3);
  RequestOptions lists;
  lists.filters.exclude = {offsets, {}};
  RequestOptions masked;
  masked.filters.item_mask = mask;
  for (const bool waits : {true, false}) {
    const auto code = [&](const MatrixView& queries, std::size_t k, const RequestOptions& options) {
      return code_of([&] {
        if (waits) (void)batcher.search(queries, k, options);
        if (!waits) (void)batcher.submit(queries, k, options);
      });
    };
    CHECK(code(nan, 1, {}) == ErrorCode::invalid_data);
    CHECK(code(narrow, 1, {}) == ErrorCode::invalid_argument);
    CHECK(code(data.query(0), 1, lists) == ErrorCode::invalid_argument);
    CHECK(code(data.query(0), 1, masked) == ErrorCode::invalid_argument);
    CHECK(code(data.query(0), 1, {.timeout = -1.0}) == ErrorCode::invalid_argument);
    CHECK(code(data.query(0), 1, {.timeout = NAN}) == ErrorCode::invalid_argument);
    CHECK(code(data.query(0), 1, {.metric = static_cast<Metric>(9)}) ==
          ErrorCode::invalid_argument);
    CHECK(code(data.query(0), std::size_t{1} << 50, {}) == ErrorCode::out_of_memory);
  }
  CHECK(code_of([&] { batcher.search_into(data.query(0), 1, {}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { batcher.submit(data.query(0), 1, nullptr); }) == ErrorCode::invalid_argument);
  CHECK(batcher.stats().requests == 0);
  CHECK(code_of([] { Batcher of_nothing{Index()}; }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { Batcher none(data.index, {.most_batch_queries = 0}); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] { Batcher none(data.index, {.most_waiting_queries = 0}); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] { Batcher none(data.index, {.threads = -1}); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { batcher.replace({}); }) == ErrorCode::invalid_argument);
}

TEST_CASE("batcher: no queries, no results, more than there are") {
  const Catalogue data;
  Batcher batcher(data.index);
  CHECK(batcher.search(MatrixView::f32(nullptr, 0, kDimension), 3).ids.empty());
  CHECK(batcher.submit(MatrixView::f32(nullptr, 0, kDimension), 3).get().ids.empty());
  CHECK(batcher.search(data.query(0), 0).ids.empty());
  CHECK(batcher.search(data.query(0), kItems + 3).counts[0] == kItems);
  std::vector<std::int64_t> ids(2);
  std::vector<double> scores(2);
  batcher.search_into(data.query(1), 2, {ids.data(), scores.data()});
  CHECK(ids == data.index.search(data.query(1), 2).ids);
  CHECK(scores == data.index.search(data.query(1), 2).scores);
}

TEST_CASE("batcher: each request is asked of the index of its time") {
  const Catalogue data;
  const test::Rows wide = test::gaussian_rows(50, 31, 5);
  const Index next = Index::build(wide.view(), {.metric = Metric::euclidean});
  Batcher batcher(data.index, {.threads = 1});
  {
    Gate gate(batcher, data.query(0));
    std::future<SearchResult> old = batcher.submit(data.query(1), 3);
    batcher.replace(next);
    CHECK(batcher.index().dimension() == 31);
    std::future<SearchResult> renewed = batcher.submit(wide.view().slice(7, 1), 3);
    CHECK(code_of([&] { (void)batcher.submit(data.query(1), 3); }) == ErrorCode::invalid_argument);
    gate.open();
    CHECK(test::difference(old.get(), data.index.search(data.query(1), 3)) == "");
    CHECK(test::difference(renewed.get(), next.search(wide.view().slice(7, 1), 3)) == "");
  }
  // Under load: every answer is that of one of two.
  const Index other = Index::build(data.items.view().slice(100, 400), {.metric = Metric::dot});
  batcher.replace(other);
  const SearchResult answers[] = {data.index.search(data.query(3), 4),
                                  other.search(data.query(3), 4)};
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      while (!done) {
        const SearchResult got = batcher.search(data.query(3), 4);
        if (got.ids != answers[0].ids && got.ids != answers[1].ids) ++wrong;
      }
    });
  }
  for (int i = 0; i < 300; ++i) batcher.replace(i % 2 == 0 ? data.index : other);
  done = true;
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("batcher: callbacks may ask again, and its end answers what was submitted") {
  const Catalogue data;
  std::atomic<int> answered = 0;
  std::atomic<int> wrong = 0;
  {
    Batcher batcher(data.index);
    std::promise<void> chained;
    const std::vector<std::int64_t> expected = data.index.search(data.query(2), 3).ids;
    batcher.submit(data.query(1), 3, [&](SearchResult&&, const Error*) {
      batcher.submit(data.query(2), 3, [&](SearchResult&& result, const Error* error) {
        if (error != nullptr || result.ids != expected) ++wrong;
        chained.set_value();
      });
    });
    chained.get_future().wait();
    for (std::size_t i = 0; i < 500; ++i) {
      batcher.submit(data.query(i % 64), 3, [&](SearchResult&& result, const Error* error) {
        if (error != nullptr || result.ids.size() != 3) ++wrong;
        ++answered;
      });
    }
  }
  CHECK(answered == 500);
  CHECK(wrong == 0);
}

TEST_CASE("batcher: every allocation may fail" * doctest::skip(!test::kAllocationsCanFail)) {
  const Catalogue data;
  CHECK(test::for_each_allocation_fault([&] {
          Batcher batcher(data.index);
          (void)batcher.search(data.query(0), 5);
        }) > 3);
  CHECK(test::for_each_allocation_fault([&] {
          Batcher batcher(data.index);
          (void)batcher.submit(data.query(0), 5, {.timeout = 1e6}).get();
        }) > 3);
}

TEST_CASE("a Batcher of a LiveIndex: its newest version, also while that changes") {
  const Folder folder;
  LiveIndex index = LiveIndex::create(folder / "items", 6, {.metric = Metric::dot});
  const test::Rows rows = test::gaussian_rows(300, 6, 5);
  std::vector<std::int64_t> ids(300);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i);
  index.upsert(ids, rows.view());
  Batcher batcher(index);
  const test::Rows queries = test::gaussian_rows(4, 6, 6);
  CHECK(test::difference(batcher.search(queries.view(), 9), index.search(queries.view(), 9)) == "");
  CHECK(test::difference(batcher.submit(queries.view(), 9).get(),
                         index.search(queries.view(), 9)) == "");
  CHECK(batcher.index().size() == 0);
  const std::vector<std::uint8_t> mask(300, 1);
  RequestOptions masked;
  masked.filters.item_mask = mask;
  CHECK(code_of([&] { batcher.search(queries.view(), 9, masked); }) == ErrorCode::invalid_argument);

  // Whoever has put an item in finds it, whatever the batch.
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (std::size_t t = 0; t < 4; ++t) {
    callers.emplace_back([&, t] {
      for (std::size_t i = 0; i < 50; ++i) {
        std::vector<float> far(6, 0.0F);
        far[t] = 1e4F + static_cast<float>(i);
        const std::vector<std::int64_t> own = {static_cast<std::int64_t>(1000 + t)};
        const MatrixView row = MatrixView::f32(far.data(), 1, 6);
        index.upsert(own, row);
        const SearchResult best = batcher.search(row, 1);
        if (best.ids[0] != own[0] || best.scores[0] != double{far[t]} * double{far[t]}) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  // Another dimension: those that ask with the old one get an error, and nobody else.
  index.replace(Index::build(test::gaussian_rows(20, 3, 7).view()));
  CHECK(code_of([&] { batcher.search(queries.view(), 9); }) == ErrorCode::invalid_argument);
  CHECK(batcher.search(test::gaussian_rows(1, 3, 8).view(), 9).counts[0] == 9);
}

TEST_CASE(
    "requests of two dimensions never share a search, however the catalogue changed meanwhile") {
  const Folder folder;
  LiveIndex index = LiveIndex::create(folder / "items", 8);
  const test::Rows old_items = test::gaussian_rows(100, 8, 1);
  const test::Rows new_items = test::gaussian_rows(100, 64, 2);
  index.replace(Index::build(old_items.view()));
  Batcher batcher(index);
  const test::Rows old_query = test::gaussian_rows(1, 8, 3);
  const test::Rows new_query = test::gaussian_rows(1, 64, 4);
  Gate gate(batcher, old_query.view());
  std::future<SearchResult> before = batcher.submit(old_query.view(), 9);
  index.replace(Index::build(new_items.view()));
  std::future<SearchResult> after = batcher.submit(new_query.view(), 5);
  gate.open();
  CHECK(code_of([&] { before.get(); }) == ErrorCode::invalid_argument);
  CHECK(test::difference(after.get(), index.search(new_query.view(), 5)) == "");
}
