// Rows that stay on the disk: the results are, bit for bit, those of rows in memory, and a row that
// cannot be read is an Error, never a result.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "alloc_faults.hpp"
#include "api/index_parts.hpp"
#include "files.hpp"
#include "id_lists.hpp"
#include "maxdot/evaluate.hpp"
#include "maxdot/maxdot.hpp"
#include "maxdot/objective.hpp"
#include "search/search.hpp"
#include "store/file_format.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

constexpr Metric kMetrics[] = {Metric::dot, Metric::cosine, Metric::euclidean};
constexpr OpenOptions kOnDisk = {.rows = RowPlace::disk};

/// One index in a file, opened in both ways.
struct Pair {
  test::Folder folder;
  std::string path = folder / "items.maxdot";
  Index memory;
  Index disk;

  /// Makes the system forget the rows, where the folder is on a disk: what it holds is read in
  /// another way than what it does not.
  void forget() const {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }

  explicit Pair(const Index& built) {
    built.save(path);
    memory = Index::open(path);
    disk = Index::open(path, kOnDisk);
  }
  explicit Pair(const test::Rows& items, const BuildOptions& options = {})
      : Pair(Index::build(items.view(), options)) {}
};

void check_same(const Pair& pair, const MatrixView& queries, std::size_t k,
                const SearchOptions& options = {}) {
  const SearchResult expected = pair.memory.search(queries, k, options);
  CHECK(test::difference(pair.disk.search(queries, k, options), expected) == "");
  pair.forget();
  CHECK(test::difference(pair.disk.search(queries, k, options), expected) == "");
}

void check_same_range(const Pair& pair, const MatrixView& queries,
                      const std::vector<double>& thresholds, const SearchOptions& options = {}) {
  const RangeResult expected = pair.memory.search_range(queries, thresholds, options);
  const RangeResult got = pair.disk.search_range(queries, thresholds, options);
  CHECK(got.offsets == expected.offsets);
  CHECK(got.ids == expected.ids);
  CHECK(got.scores == expected.scores);
}

/// Lists of random items.
OwnedIdLists random_lists(std::size_t count, std::size_t length, std::size_t items,
                          std::uint64_t seed) {
  test::Random random(seed);
  OwnedIdLists lists;
  lists.offsets.push_back(0);
  for (std::size_t q = 0; q < count; ++q) {
    for (std::size_t i = 0; i < length; ++i)
      lists.ids.push_back(static_cast<std::int64_t>(random.below(items)));
    lists.offsets.push_back(static_cast<std::int64_t>(lists.ids.size()));
  }
  return lists;
}

}  // namespace

TEST_CASE("rows on the disk: the same results as from memory, for all sizes, metrics and batches") {
  for (const std::size_t n : {0U, 1U, 63U, 64U, 65U, 1000U, 20000U}) {
    for (const bool normalize : {false, true}) {
      const Pair pair(test::gaussian_rows(n, 20, 1), {.normalize = normalize});
      for (const std::size_t count : {1U, 5U, 64U, 300U}) {
        const test::Rows queries = test::gaussian_rows(count, 20, 2);
        for (const Metric metric : kMetrics) {
          for (const std::size_t k : {1U, 10U, 300U}) {
            INFO(n, " items, ", count, " queries, k = ", k, ", ", to_string(metric));
            check_same(pair, queries.view(), k, {.threads = 2, .metric = metric});
          }
        }
      }
    }
  }
}

TEST_CASE("rows on the disk: whatever is nasty about the data, every k, f32 and f16") {
  for (const test::Generator& generator : test::generators()) {
    const test::Rows items = generator.make(3000, 37, 1);
    const test::Rows queries = generator.make(40, 37, 2);
    const Pair pair(items, {.metric = Metric::dot});
    for (const Metric metric : kMetrics) {
      for (const std::size_t k : {1U, 100U, 3000U}) {
        INFO(generator.name, ", k = ", k, ", ", to_string(metric));
        check_same(pair, queries.view(), k, {.threads = 2, .metric = metric});
        check_same(pair, queries.view().slice(0, 1), k, {.threads = 1, .metric = metric});
      }
    }
  }
  const test::Rows rows = test::gaussian_rows(5000, 33, 3);
  const std::vector<std::uint16_t> halves = test::to_halves(rows);
  const std::vector<std::int64_t> ids = test::ids_from(100000, 5000, 3);
  const Pair pair(Index::build(MatrixView::f16(halves.data(), 5000, 33), {.ids = ids}));
  const test::Rows queries = test::gaussian_rows(70, 33, 4);
  for (const Metric metric : kMetrics) {
    check_same(pair, queries.view(), 50, {.metric = metric});
    check_same(pair, queries.view().slice(0, 1), 50, {.metric = metric});
  }
}

TEST_CASE("rows on the disk: every method, also those that the planner does not choose") {
  const test::Rows items = test::gaussian_rows(5000, 24, 1);
  const test::Rows queries = test::gaussian_rows(300, 24, 2);
  const Pair pair(items, {.metric = Metric::euclidean});
  const OwnedIdLists lists = random_lists(300, 200, 5000, 7);
  const Filters filters = {.allow = lists};
  const search::FilterRequest allowed =
      api::checked_filters(api::IndexParts::of(pair.disk), filters, 300, "queries");
  for (const search::Method method :
       {search::Method::f32, search::Method::coarse, search::Method::five, search::Method::six,
        search::Method::fine, search::Method::listed}) {
    const bool listed = method == search::Method::listed;
    for (const std::size_t count : {1U, 300U}) {
      const MatrixView asked = queries.view().slice(0, count);
      SearchOptions options;
      if (listed && count != 300) continue;
      if (listed) options.filters = filters;
      const SearchResult expected = pair.memory.search(asked, 20, options);
      SearchResult got = expected;
      std::fill(got.ids.begin(), got.ids.end(), 0);
      search::Request request = {asked, 20, Metric::euclidean, 2, nullptr, method};
      if (listed) request.filters = &allowed;
      search::search(api::IndexParts::items_of(pair.disk), kernels::active_table(), request,
                     {got.ids.data(), got.scores.data(), got.counts.data()});
      INFO("method ", static_cast<int>(method), ", ", count, " queries");
      CHECK(test::difference(got, expected) == "");
    }
  }
}

TEST_CASE("rows on the disk: every item survives if all are equal, and long rows fill a run") {
  test::Rows equal = {std::vector<float>(9000 * 16, 0.25F), 9000, 16};
  const Pair ties(equal, {.metric = Metric::dot});
  const test::Rows queries = test::gaussian_rows(300, 16, 5);
  for (const std::size_t count : {1U, 8U, 300U}) {
    check_same(ties, queries.view().slice(0, count), 7);
    check_same_range(ties, queries.view().slice(0, count), {0.0});
  }
  const Pair wide(test::gaussian_rows(200, max_dimension / 4, 6), {.metric = Metric::cosine});
  const test::Rows wide_queries = test::gaussian_rows(3, max_dimension / 4, 7);
  check_same(wide, wide_queries.view(), 10);
  check_same(wide, wide_queries.view(), 200);
}

TEST_CASE("rows on the disk: filters, ranges, users with several vectors") {
  const test::Rows items = test::gaussian_rows(20000, 24, 1);
  const Pair pair(items, {.metric = Metric::dot});
  const test::Rows queries = test::gaussian_rows(60, 24, 2);
  const OwnedIdLists some = random_lists(60, 300, 20000, 3);
  const OwnedIdLists many = random_lists(60, 9000, 20000, 4);
  std::vector<std::uint8_t> mask(20000);
  for (std::size_t row = 0; row < mask.size(); ++row) mask[row] = row % 3 == 0 ? 1 : 0;
  const Filters all[] = {{.exclude = many},
                         {.allow = some},
                         {.allow = many},
                         {.item_mask = mask},
                         {.exclude = some, .item_mask = mask}};
  for (const Filters& filters : all) {
    for (const Metric metric : kMetrics)
      check_same(pair, queries.view(), 30, {.threads = 2, .metric = metric, .filters = filters});
    check_same_range(pair, queries.view(), {9.0}, {.filters = filters});
  }
  check_same_range(pair, queries.view(), {7.0}, {.threads = 2});
  check_same_range(pair, queries.view(), {5.0}, {.metric = Metric::euclidean});
  for (const std::size_t per_user : {1U, 4U}) {
    CHECK(test::difference(pair.disk.search_multi(queries.view(), per_user, 40),
                           pair.memory.search_multi(queries.view(), per_user, 40)) == "");
  }
}

TEST_CASE("rows on the disk: an index says of itself what it says from memory, and is saved") {
  const test::Rows items = test::gaussian_rows(700, 11, 1);
  const std::vector<std::int64_t> ids = test::ids_from(5, 700, 2);
  const Pair pair(items, {.metric = Metric::dot, .ids = ids});
  CHECK(pair.disk.info().bytes == pair.memory.info().bytes);
  CHECK(pair.disk.info().checksum == pair.memory.info().checksum);
  CHECK(pair.disk.item_id(3) == 11);
  std::vector<float> row(11);
  pair.disk.item_row(699, row.data());
  CHECK(std::equal(row.begin(), row.end(), items.values.end() - 11));
  const std::string copy = pair.folder / "copy.maxdot";
  CHECK(pair.disk.save(copy) == pair.memory.info().checksum);
  CHECK(pair.folder.get("copy.maxdot") == pair.folder.get("items.maxdot"));
  // In place of its own file: the open index keeps the old one.
  pair.disk.save(pair.path);
  check_same(pair, items.view().slice(0, 20), 5);
  for (const bool codes : {false, true}) {
    const Index verified =
        Index::open(copy, {.rows = RowPlace::disk, .verify_payload = true, .verify_codes = codes});
    CHECK(test::difference(verified.search(items.view().slice(0, 5), 9),
                           pair.memory.search(items.view().slice(0, 5), 9)) == "");
  }
}

TEST_CASE("rows on the disk: what needs many rows is refused, and says what to do") {
  const Pair pair(test::gaussian_rows(100, 8, 1), {.metric = Metric::dot});
  const test::Rows users = test::gaussian_rows(2, 8, 2);
  std::array<double, 2> out = {};
  const std::vector<std::int64_t> offsets = {0, 1, 2};
  const std::vector<std::int64_t> ids = {0, 1};
  const auto refused = [&](const auto& call) {
    test::check_refused(call, ErrorCode::unsupported, pair.path, "rows in memory");
  };
  refused([&] { objective::log_partition(pair.disk, users.view(), out); });
  refused([&] { (void)objective::full_softmax(pair.disk, users.view(), ids); });
  refused([&] { (void)evaluate::ranks(pair.disk, users.view(), {offsets, ids}); });
  refused([&] {
    LiveIndex live = LiveIndex::create(pair.folder / "live", 8, {.metric = Metric::dot});
    live.replace(pair.disk);
  });
  CHECK(test::code_of([&] { Index::open(pair.path, {.rows = static_cast<RowPlace>(2)}); }) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("rows on the disk: a file cut short under way is an Error that names it") {
  const test::Rows items = test::gaussian_rows(20000, 32, 1);
  const test::Rows queries = test::gaussian_rows(300, 32, 2);
  const OwnedIdLists lists = random_lists(300, 100, 20000, 3);
  const std::vector<double> lowest = {-std::numeric_limits<double>::infinity()};
  const Pair pair(items, {.metric = Metric::dot});
  REQUIRE(::truncate(pair.path.c_str(), 4096) == 0);
  const auto refused = [&](const auto& call) {
    test::check_refused(call, ErrorCode::bad_format, pair.path, "too early");
  };
  for (const int threads : {1, 2}) {
    for (const std::size_t count : {1U, 16U, 300U}) {
      const MatrixView asked = queries.view().slice(0, count);
      refused([&] { (void)pair.disk.search(asked, 10, {.threads = threads}); });
      refused([&] { (void)pair.disk.search_range(asked, lowest, {.threads = threads}); });
      refused([&] { (void)pair.disk.search_multi(asked, 1, 10, {.threads = threads}); });
    }
    refused([&] {
      (void)pair.disk.search(queries.view(), 10, {.threads = threads, .filters = {.allow = lists}});
    });
  }
  // Scanned by rows: a norm that no code suits.
  test::Rows huge = test::gaussian_rows(1, 32, 4);
  for (float& value : huge.values) value *= 0x1p60F;
  refused([&] { (void)pair.disk.search(huge.view(), 10); });
  float row[32];
  refused([&] { pair.disk.item_row(19999, row); });
  const std::string copy = pair.folder.put("copy.maxdot", "old");
  CHECK(test::code_of([&] { pair.disk.save(copy); }) == ErrorCode::bad_format);
  CHECK(pair.folder.get("copy.maxdot") == "old");
}

TEST_CASE("rows on the disk: another file at the path, between two looks at it") {
  const Pair pair(test::gaussian_rows(100, 8, 1));
  const auto mapped = store::open_file(pair.path, false);
  Index::build(test::gaussian_rows(100, 8, 2).view()).save(pair.path);
  test::check_refused([&] { store::open_with_rows_on_disk(pair.path, *mapped); }, ErrorCode::io,
                      pair.path, "replaced");
}

TEST_CASE("rows on the disk: memory that runs out is an Error" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const Pair pair(test::gaussian_rows(3000, 12, 1), {.metric = Metric::dot});
  const test::Rows queries = test::gaussian_rows(20, 12, 2);
  CHECK(test::for_each_allocation_fault([&] { Index::open(pair.path, kOnDisk); }) > 10);
  const SearchResult expected = pair.memory.search(queries.view(), 5, {.threads = 1});
  CHECK(test::for_each_allocation_fault([&] {
          release_thread_memory();
          const SearchResult got = pair.disk.search(queries.view(), 5, {.threads = 1});
          if (test::difference(got, expected) != "") throw std::runtime_error("another result");
        }) > 5);
  const std::vector<double> thresholds = {3.0};
  CHECK(test::for_each_allocation_fault(
            [&] { (void)pair.disk.search_range(queries.view(), thresholds, {.threads = 1}); }) > 3);
  float row[12];
  CHECK(test::for_each_allocation_fault([&] { pair.disk.item_row(3, row); }) > 0);
}
