// What a caller can get wrong at the library's door, and memory that runs out behind it.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "alloc_faults.hpp"
#include "files.hpp"
#include "id_lists.hpp"
#include "maxdot/evaluate.hpp"
#include "maxdot/objective.hpp"
#include "support.hpp"

using namespace maxdot;
using test::for_each_allocation_fault;

namespace {

constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max();

/// `call` must throw an Error (invalid_argument) whose message starts with `name`.
template <typename Call>
void check_invalid(const std::string& name, Call call,
                   ErrorCode code = ErrorCode::invalid_argument) {
  CAPTURE(name);
  try {
    call();
    FAIL_CHECK("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == code);
    CHECK(std::string(error.what()).starts_with(name));
  }
}

struct Data {
  test::Rows items = test::gaussian_rows(300, 12, 1);
  test::Rows queries = test::gaussian_rows(6, 12, 2);
  std::vector<std::int64_t> ids = std::vector<std::int64_t>(300);
  OwnedIdLists lists = test::to_csr({{7, 14}, {}, {21}, {700}, {0, 7}, {35}});
  OwnedIdLists pairs = test::to_csr({{70}, {77}, {}});
  std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(300, 1);

  Data() {
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(7 * i);
  }
  Index index(Metric metric = Metric::dot) const {
    return Index::build(items.view(), {.metric = metric, .ids = ids, .threads = 2});
  }
};

}  // namespace

TEST_CASE("an Index that was moved from, or never built, is empty and says so") {
  const Data data;
  Index source = data.index();
  const Index kept = std::move(source);
  CHECK(kept.size() == 300);
  const Index never;
  for (const Index* empty :
       {static_cast<const Index*>(&source), &never}) {  // NOLINT: this is the point
    CHECK(empty->size() == 0);
    CHECK(empty->dimension() == 0);
    CHECK(empty->info().items == 0);
    CHECK(empty->info().bytes == 0);
    const MatrixView queries = data.queries.view();
    const char* name = "this Index is empty";
    std::vector<std::int64_t> ids(6);
    std::vector<double> out(6);
    const std::vector<std::size_t> ks = {1};
    const double threshold = 0.5;
    check_invalid(name, [&] { empty->search(queries, 1); });
    check_invalid(name, [&] { empty->search_into(queries, 1, {ids.data(), out.data(), nullptr}); });
    check_invalid(name, [&] { empty->search_multi(queries, 2, 1); });
    check_invalid(name, [&] { empty->search_range(queries, {&threshold, 1}); });
    check_invalid(name, [&] { empty->save("never written"); });
    check_invalid(name, [&] { evaluate::retrieval(*empty, queries, data.lists, ks); });
    check_invalid(name, [&] { evaluate::ranks(*empty, queries, data.lists); });
    check_invalid(name, [&] { objective::log_partition(*empty, queries, out); });
    check_invalid(name, [&] { objective::full_softmax(*empty, queries, ids); });
    check_invalid(name, [&] { objective::probabilities(*empty, queries, ids, out, out); });
  }
  source = kept;
  CHECK(source.search(data.queries.view(), 3).counts[0] == 3);
}

TEST_CASE("a Matrix that was moved from is empty") {
  Matrix source(3, 2, DType::f16);
  Matrix moved = std::move(source);
  CHECK(moved.rows() == 3);
  CHECK(source.rows() == 0);  // NOLINT: this is the point
  CHECK(source.view().data == nullptr);
  source = std::move(moved);
  CHECK(source.rows() == 3);
  CHECK(moved.rows() == 0);  // NOLINT: this is the point
  (void)source.release();
  CHECK(source.rows() == 0);
  CHECK(source.cols() == 0);
}

TEST_CASE("files that were moved from are empty") {
  const test::Folder folder;
  MatrixFile file = MatrixFile::open(folder.put("a.fbin", test::fbin(1, 2, {1, 2})));
  const MatrixFile moved = std::move(file);
  CHECK(moved.rows() == 1);
  CHECK(file.rows() == 0);  // NOLINT: this is the point
  CHECK(file.cols() == 0);
  CHECK(file.dtype() == DType::f32);
  CHECK(file.path().empty());
  check_invalid("this MatrixFile is empty", [&] { file.read(0, 0, nullptr); });
  check_invalid("this MatrixFile is empty", [&] { (void)file.read_all(); });
  MatrixWriter writer(folder / "b.npy", MatrixWriter::Format::npy_i64, 1, 1);
  MatrixWriter other = std::move(writer);
  const std::int64_t id = 1;
  const double score = 1;
  check_invalid("this MatrixWriter is empty",
                [&] { writer.append(&id, 1); });  // NOLINT: this is the point
  check_invalid("this MatrixWriter is empty", [&] { writer.append(&score, 1); });
  check_invalid("this MatrixWriter is empty", [&] { writer.commit(); });
  other.append(&id, 1);
  other.commit();
}

TEST_CASE("values that are none of an enumeration's are refused") {
  const Data data;
  const Index index = data.index();
  const auto metric = static_cast<Metric>(7);
  const MatrixView rows = {data.items.values.data(), static_cast<DType>(7), 300, 12, 48};
  const MatrixView queries = rows.slice(0, 6);
  const std::vector<std::size_t> ks = {1};
  std::vector<double> out(6);
  std::vector<std::int64_t> ids(6);
  const double threshold = 0.5;
  check_invalid("items: dtype 7", [&] { Index::build(rows); });
  check_invalid("matrix: dtype 7", [&] { (void)Matrix(1, 1, static_cast<DType>(7)); });
  check_invalid("queries: dtype 7", [&] { index.search(queries, 1); });
  check_invalid("interests: dtype 7", [&] { index.search_multi(queries, 2, 1); });
  check_invalid("queries: dtype 7", [&] { index.search_range(queries, {&threshold, 1}); });
  check_invalid("users: dtype 7", [&] { evaluate::retrieval(index, queries, data.lists, ks); });
  check_invalid("users: dtype 7", [&] { evaluate::ranks(index, queries, data.lists); });
  check_invalid("queries: dtype 7", [&] { objective::log_partition(index, queries, out); });
  check_invalid("queries: dtype 7",
                [&] { reference::top_k(data.items.view(), queries, 1, Metric::dot, false); });
  check_invalid("items: dtype 7",
                [&] { reference::top_k(rows, data.queries.view(), 1, Metric::dot, false); });
  const MatrixView good = data.queries.view();
  check_invalid("metric: 7", [&] { Index::build(data.items.view(), {.metric = metric}); });
  check_invalid("metric: 7", [&] { index.search(good, 1, {.metric = metric}); });
  check_invalid("metric: 7", [&] { index.search_multi(good, 2, 1, {.metric = metric}); });
  check_invalid("metric: 7", [&] {
    index.search_range(good, {&threshold, 1}, {.metric = metric});
  });
  check_invalid("metric: 7",
                [&] { evaluate::ranks(index, good, data.lists, {}, {.metric = metric}); });
  check_invalid("metric: 7",
                [&] { objective::log_partition(index, good, out, {.metric = metric}); });
  check_invalid("metric: 7", [&] { reference::top_k(data.items.view(), good, 1, metric, false); });
  evaluate::Options options;
  options.convention = static_cast<evaluate::Convention>(7);
  check_invalid("convention: 7", [&] { evaluate::metrics(data.lists, {ids, 1}, ks, options); });
  check_invalid("metric: 7",
                [&] { evaluate::rechub_text(static_cast<evaluate::RechubMetric>(7), 1, 0.5); });
  const test::Folder folder;
  check_invalid(folder / "a.npy", [&] {
    MatrixWriter(folder / "a.npy", static_cast<MatrixWriter::Format>(7), 1, 1);
  });
  CHECK(folder.entries() == 0);
  CHECK(std::string(to_string(static_cast<DType>(7))) == "unknown");
  CHECK(std::string(to_string(static_cast<evaluate::Convention>(7))) == "unknown");
}

TEST_CASE("sizes that overflow are refused") {
  const Data data;
  const Index index = data.index();
  const MatrixView view = data.queries.view();
  const auto sized = [&](std::size_t rows, std::size_t stride) {
    return MatrixView{view.data, DType::f32, rows, 12, stride};
  };
  for (const MatrixView& queries :
       {sized(kHuge, 48), sized(std::size_t{1} << 60, 48), sized(3, kHuge / 2),
        sized(std::size_t{1} << 33, std::size_t{1} << 31), sized(2, 44)}) {
    check_invalid("queries: ", [&] { index.search(queries, 0); });
    check_invalid("items: ", [&] { Index::build(queries); });
    check_invalid("items: ", [&] { reference::top_k(queries, view, 1, Metric::dot, false); });
  }
  const std::vector<std::int64_t> none;
  const std::vector<std::int64_t> one = {0};
  for (const std::size_t users : {kHuge, kHuge - 1, kHuge / 8, kHuge / 16}) {
    check_invalid(
        "pairs: ", [&] { evaluate::lists_from_pairs(none, none, users); },
        ErrorCode::out_of_memory);
  }
  check_invalid("pairs: 1 users but 0 items", [&] { evaluate::lists_from_pairs(one, none, 1); });
  check_invalid("queries: dimension 12 differs", [&] {
    reference::top_k(test::gaussian_rows(2, 3, 1).view(), view, 1, Metric::dot, false);
  });
  check_invalid("threads: -1",
                [&] { reference::top_k(view, view, 1, Metric::dot, false, nullptr, -1); });
  check_invalid(
      "results of 6 queries", [&] { reference::top_k(view, view, kHuge / 4, Metric::dot, false); },
      ErrorCode::out_of_memory);
}

// Threads are given: how many there are by default is read from files, whose reader knows what to
// do without memory.
TEST_CASE("memory that runs out is an Error: building" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const Data data;
  const MatrixView items = data.items.view();
  CHECK(for_each_allocation_fault(
            [&] { (void)Index::build(items, {.ids = data.ids, .threads = 2}); }) > 3);
  std::vector<std::int64_t> falling(data.ids.rbegin(), data.ids.rend());
  CHECK(for_each_allocation_fault(
            [&] { (void)Index::build(items, {.ids = falling, .threads = 2}); }) > 4);
  CHECK(for_each_allocation_fault([&] { (void)Matrix(3, 4, DType::f32); }) > 0);
}

TEST_CASE("memory that runs out is an Error: searching" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const Data data;
  const MatrixView queries = data.queries.view();
  std::vector<std::int64_t> ids(60);
  std::vector<double> scores(60);
  for (const int threads : {1, 2}) {
    for (const bool filtered : {false, true}) {
      SearchOptions options{.threads = threads};
      if (filtered) options.filters = {.exclude = data.lists, .allow = {}, .item_mask = data.mask};
      // A fresh index each time: a table of its ids is made by the first search that needs it.
      CHECK(for_each_allocation_fault([&] { data.index().search(queries, 10, options); }) > 3);
      CHECK(for_each_allocation_fault([&] {
              data.index().search_into(queries, 10, {ids.data(), scores.data(), nullptr}, options);
            }) > 3);
      const double threshold = 0.5;
      CHECK(for_each_allocation_fault([&] {
              data.index().search_range(queries, {&threshold, 1}, options);
            }) > 3);
      if (filtered) options.filters = {.exclude = data.pairs, .allow = data.pairs, .item_mask = {}};
      CHECK(for_each_allocation_fault([&] { data.index().search_multi(queries, 2, 10, options); }) >
            3);
      CHECK(for_each_allocation_fault([&] {
              data.index().search_multi_into(queries, 2, 10, {ids.data(), scores.data(), nullptr},
                                             options);
            }) > 3);
    }
  }
  CHECK(for_each_allocation_fault([&] {
          reference::top_k(data.items.view(), queries, 5, Metric::dot, false, nullptr, 2);
        }) > 3);
}

TEST_CASE("memory that runs out is an Error: evaluating" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const Data data;
  const MatrixView users = data.queries.view();
  const std::vector<std::size_t> ks = {1, 5};
  evaluate::RetrievalOptions options;
  options.bootstrap = 10;
  options.per_user = true;
  options.catalogue = 300;
  options.threads = 2;
  std::vector<std::int64_t> retrieved(30);
  for (std::size_t i = 0; i < 30; ++i) retrieved[i] = static_cast<std::int64_t>(7 * i);
  CHECK(for_each_allocation_fault([&] {
          evaluate::metrics(data.lists, {retrieved, 5}, ks, options);
        }) > 3);
  CHECK(for_each_allocation_fault([&] {
          evaluate::retrieval(data.index(), users, data.lists, ks, data.lists, options);
        }) > 3);
  CHECK(for_each_allocation_fault([&] {
          evaluate::ranks(data.index(), users, data.lists, data.lists, {.threads = 2});
        }) > 3);
  const std::vector<std::int64_t> numbers = {0, 2, 1, 0};
  CHECK(for_each_allocation_fault([&] { evaluate::lists_from_pairs(numbers, numbers, 3); }) == 3);
  (void)for_each_allocation_fault(
      [&] { (void)evaluate::rechub_text(evaluate::RechubMetric::precision, kHuge, 0.123456); });
}

TEST_CASE("memory that runs out is an Error: objectives" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const Data data;
  const MatrixView queries = data.queries.view();
  const std::vector<std::int64_t> ids = {7, 14, 0, 21, 28, 35};
  std::vector<double> out(6);
  CHECK(for_each_allocation_fault(
            [&] { objective::log_partition(data.index(), queries, out, {.threads = 2}); }) > 3);
  CHECK(for_each_allocation_fault(
            [&] { objective::full_softmax(data.index(), queries, ids, {.threads = 2}); }) > 3);
  CHECK(for_each_allocation_fault([&] {
          objective::probabilities(data.index(), queries, ids, out, out, {.threads = 2});
        }) > 3);
}

TEST_CASE("memory that runs out for the words of a refusal is an Error too" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const Data data;
  const Index index = data.index();
  const std::vector<double> bad = {std::nan(""), 1};
  const std::vector<double> good = {1, 1};
  const std::vector<std::int64_t> user = {3};
  std::vector<double> out(2);
  const auto refuse = [](auto&& call) {
    return [call] {
      try {
        call();
        FAIL_CHECK("accepted");
      } catch (const Error& error) {
        if (error.code() == ErrorCode::out_of_memory) throw;
      }
    };
  };
  const auto faults = [&](auto&& call) { return for_each_allocation_fault(refuse(call)); };
  CHECK(faults([&] { index.search(data.queries.view(), 1, {.threads = -1}); }) > 0);
  CHECK(faults([&] {
          index.search(MatrixView::f32(data.items.values.data(), 1, 5), 1, {.threads = 2});
        }) > 0);
  CHECK(faults([&] { Index::build(data.items.view(), {.threads = -1}); }) > 0);
  CHECK(faults([&] { objective::bce(bad, good); }) > 0);
  CHECK(faults([&] { objective::bpr(bad, good); }) > 0);
  CHECK(faults([&] { objective::cross_entropy(bad, good); }) > 0);
  CHECK(faults([&] { objective::probability(bad, out); }) > 0);
  CHECK(faults([&] { objective::softmax(bad, good, out); }) > 0);
  CHECK(faults([&] { evaluate::lists_from_pairs(user, user, 2); }) > 3);
  CHECK(faults([&] { (void)Index().search(data.queries.view(), 1); }) > 0);
}
