// Index files that whoever wrote them made right but for what they hold: header, sizes and
// checksums are those of the forged contents. Verification must find them; without it nothing may
// crash or take quadratic time.
#include <doctest/doctest.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "files.hpp"
#include "maxdot/evaluate.hpp"
#include "support.hpp"

using namespace maxdot;
using test::Folder;

namespace {

constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kEntryBytes = 32;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t kLargestId = std::numeric_limits<std::int64_t>::max();

template <typename T>
T number_at(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, &bytes[at], sizeof value);
  return value;
}

template <typename T>
void put_number(std::string& bytes, std::size_t at, T value) {
  std::memcpy(&bytes[at], &value, sizeof value);
}

/// A saved index whose sections can be patched. Kinds are those of FORMAT.md.
class Forgery {
 public:
  Forgery(const Folder& folder, const Index& index) : folder_(folder) {
    index.save(folder / "good");
    bytes_ = folder.get("good");
  }

  /// Element `i` of type T of section `kind` becomes `value`.
  template <typename T>
  Forgery& set(std::uint32_t kind, std::size_t i, T value) {
    const std::size_t entry = entry_of(kind);
    REQUIRE((i + 1) * sizeof(T) <= number_at<std::uint64_t>(bytes_, entry + 16));
    put_number(bytes_, number_at<std::uint64_t>(bytes_, entry + 8) + i * sizeof(T), value);
    return *this;
  }

  template <typename T>
  T get(std::uint32_t kind, std::size_t i) const {
    return number_at<T>(bytes_,
                        number_at<std::uint64_t>(bytes_, entry_of(kind) + 8) + i * sizeof(T));
  }

  Forgery& set_largest_square(double value) {
    put_number(bytes_, 40, value);
    return *this;
  }

  /// Makes every checksum right. Returns the path of the file.
  std::string seal() {
    const auto sections = number_at<std::uint32_t>(bytes_, 12);
    for (std::size_t i = 0; i < sections; ++i) {
      const std::size_t entry = kHeaderBytes + i * kEntryBytes;
      put_number(bytes_, entry + 24,
                 XXH3_64bits(&bytes_[number_at<std::uint64_t>(bytes_, entry + 8)],
                             number_at<std::uint64_t>(bytes_, entry + 16)));
    }
    put_number(bytes_, 56, std::uint64_t{0});
    put_number(bytes_, 56,
               std::uint64_t{XXH3_64bits(bytes_.data(), kHeaderBytes + sections * kEntryBytes)});
    return folder_.put("forged", bytes_);
  }

 private:
  std::size_t entry_of(std::uint32_t kind) const {
    for (std::size_t i = 0; i < number_at<std::uint32_t>(bytes_, 12); ++i) {
      if (number_at<std::uint32_t>(bytes_, kHeaderBytes + i * kEntryBytes) == kind)
        return kHeaderBytes + i * kEntryBytes;
    }
    FAIL("no section " << kind);
    return 0;
  }

  const Folder& folder_;
  std::string bytes_;
};

enum Kind : std::uint32_t { rows = 1, squares, ids, high, low, terms, tiles, order, narrow };

std::vector<std::int64_t> scattered_ids(std::size_t count) {
  std::vector<std::int64_t> list(count);
  for (std::size_t i = 0; i < count; ++i) list[i] = static_cast<std::int64_t>((i * 7919) % 1000003);
  return list;
}

/// Over one block of 4,096 rows, the last tile not full.
Index make_index(std::size_t count = 4201, BuildOptions options = {}) {
  const test::Rows items = test::gaussian_rows(count, 7, 3);
  const std::vector<std::int64_t> own = scattered_ids(count);
  options.ids = own;
  return Index::build(items.view(), options);
}

/// Every kind of call on an index that nobody verified: only that each ends, and how, is asked for.
void use(const std::string& path) {
  const Index index = Index::open(path);
  const test::Rows queries = test::gaussian_rows(70, index.dimension(), 4);
  const std::vector<double> thresholds(1, 0.5);
  const OwnedIdLists seen = {std::vector<std::int64_t>(71, 0), {}};
  for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
    SearchOptions options;
    options.metric = metric;
    for (const std::size_t count : {std::size_t{1}, std::size_t{70}}) {
      for (const std::size_t k : {std::size_t{1}, std::size_t{10}, index.size()}) {
        index.search(queries.view().slice(0, count), k, options);
      }
      index.search_range(queries.view().slice(0, count), thresholds, options);
    }
    index.search_multi(queries.view(), 7, 5, options);
    options.filters.exclude = seen;
    index.search(queries.view(), 10, options);
  }
}

void check_found(Forgery& forgery, const std::string& part) {
  const std::string path = forgery.seal();
  INFO(part);
  use(path);
  test::check_refused([&] { Index::open(path, {.verify_payload = true}); }, ErrorCode::bad_format,
                      path, part);
}

}  // namespace

TEST_CASE("what is not forged passes every verification") {
  const Folder folder;
  for (const std::size_t count :
       {std::size_t{1}, std::size_t{64}, std::size_t{4096}, std::size_t{4201}}) {
    for (const Metric metric : {Metric::dot, Metric::cosine}) {
      for (const test::Generator& generator : test::generators()) {
        const test::Rows items = generator.make(count, 5, 9);
        Index::build(items.view(), {.metric = metric}).save(folder / "a");
        INFO(generator.name);
        CHECK_NOTHROW(Index::open(folder / "a", {.verify_codes = true}));
        CHECK_NOTHROW(Index::open(folder / "a", {.verify_codes = true, .threads = 1}));
      }
    }
  }
  const std::vector<std::uint16_t> halves = test::to_halves(test::gaussian_rows(300, 9, 1));
  Index::build(MatrixView::f16(halves.data(), 300, 9), {.normalize = true}).save(folder / "a");
  CHECK_NOTHROW(Index::open(folder / "a", {.verify_codes = true}));
  Index::build(MatrixView::f32(nullptr, 0, 4)).save(folder / "a");
  CHECK_NOTHROW(Index::open(folder / "a", {.verify_codes = true}));
  test::check_refused([&] { Index::open(folder / "a", {.threads = -1}); },
                      ErrorCode::invalid_argument, "threads", "-1");
}

TEST_CASE("forged ids, rows, squares and orders are found behind right checksums") {
  const Folder folder;
  const Index index = make_index();
  const auto forge = [&] { return Forgery(folder, index); };
  check_found(forge().set(ids, 4200, forge().get<std::int64_t>(ids, 17)),
              "stands on more than one row");
  check_found(forge().set(ids, 4, std::int64_t{-7}), "row 4 has id -7");
  check_found(forge().set(ids, 4, std::numeric_limits<std::int64_t>::min()),
              "row 4 has id -9223372036854775808");
  check_found(forge().set(rows, 4100 * 7 + 3, kNaN), "row 4100, column 3 is NaN");
  check_found(forge().set(rows, 2 * 7, -kInfinity), "row 2, column 0 is Inf");
  check_found(forge().set(rows, 5 * 7 + 2, 0.25F), "the square of row 5 ");
  check_found(forge().set(squares, 4200, std::numeric_limits<double>::quiet_NaN()),
              "the square of row 4200 ");
  check_found(forge().set(squares, 1, -forge().get<double>(squares, 1)), "the square of row 1 ");
  check_found(forge().set_largest_square(0x1p-90), "largest square");
  check_found(forge().set_largest_square(0x1p90), "largest square");
  check_found(forge().set(order, 3, forge().get<std::uint16_t>(order, 4)), "code order of block 0");
  check_found(forge().set(order, 4200, std::uint16_t{4000}), "code order of block 1");
  check_found(forge().set(order, 4201, std::uint16_t{1}), "code order of block 1");
}

TEST_CASE("forged codes, scales and errors are found by the deep verification") {
  const Folder folder;
  const Index index = make_index();
  const auto check = [&](Forgery& forgery, const std::string& part) {
    const std::string path = forgery.seal();
    use(path);
    CHECK_NOTHROW(Index::open(path, {.verify_payload = true}));
    test::check_refused([&] { Index::open(path, {.verify_codes = true}); }, ErrorCode::bad_format,
                        path, part);
  };
  const auto forge = [&] { return Forgery(folder, index); };
  const auto byte = [&](std::uint32_t kind, std::size_t at) {
    return static_cast<std::uint8_t>(forge().get<std::uint8_t>(kind, at) ^ 0x10U);
  };
  check(forge().set(high, 100, byte(high, 100)), "'high codes' is not what the rows of block 0");
  check(forge().set(low, 4197 * 4, byte(low, 4197 * 4)),
        "'low codes' is not what the rows of block 1");
  check(forge().set(terms, 8, 0.0F), "'item terms'");
  check(forge().set(terms, 9, kNaN), "'item terms'");
  for (std::size_t field = 0; field < 8; ++field) {
    for (const float value : {1e-30F, kNaN, kInfinity, -kInfinity}) {
      check(forge().set(tiles, 8 * 65 + field, value), "'tile summaries'");
      if (field < 2) check(forge().set(narrow, 2 * 65 + field, value), "'narrow ratios'");
    }
  }
  const auto first = forge().get<std::uint16_t>(order, 0);
  const auto second = forge().get<std::uint16_t>(order, 1);
  check(forge().set(order, 0, second).set(order, 1, first), "'code order'");
}

TEST_CASE("rows that are no numbers, with squares that hide it, do no harm to a search") {
  const Folder folder;
  for (const bool normalize : {false, true}) {
    Forgery forgery(folder,
                    make_index(4201, {.metric = Metric::euclidean, .normalize = normalize}));
    for (std::size_t row = 0; row < 4201; row += 2)
      forgery.set(rows, row * 7 + row % 7, row % 4 == 0 ? kNaN : kInfinity);
    const std::string path = forgery.seal();
    use(path);
    // NaN stands in no order: it may not be among what is sorted.
    const test::Rows queries = test::gaussian_rows(1, 7, 4);
    const double far = 4.0;
    const RangeResult found =
        Index::open(path).search_range(queries.view(), {&far, 1}, {.metric = Metric::euclidean});
    CHECK(std::is_sorted(found.scores.begin(), found.scores.end()));
    if (normalize) CHECK(found.ids.size() <= 4201 - 1051);
  }
}

TEST_CASE("equal ids in a file cost no more than different ones") {
  const Folder folder;
  constexpr std::size_t kItems = 300000;
  const test::Rows items = test::gaussian_rows(kItems, 1, 3);
  const std::vector<std::int64_t> own = scattered_ids(kItems);
  Forgery forgery(folder, Index::build(items.view(), {.ids = own}));
  for (std::size_t row = 0; row < kItems; ++row) forgery.set(ids, row, std::int64_t{5});
  const Index index = Index::open(forgery.seal());
  const std::vector<std::int64_t> offsets = {0, 1};
  const std::vector<std::int64_t> excluded = {5};
  // The first row has the id, as far as filters go.
  const SearchResult found =
      index.search(items.view().slice(0, 1), kItems, {.filters = {.exclude = {offsets, excluded}}});
  CHECK(found.counts == std::vector<std::int64_t>{static_cast<std::int64_t>(kItems) - 1});
}

TEST_CASE("the largest id is an id like any other") {
  const Folder folder;
  std::vector<std::int64_t> own = scattered_ids(3000);
  own[1234] = kLargestId;
  for (const test::Generator& generator : test::generators()) {
    const test::Rows rows = generator.make(3000, 5, 9);
    const Index index = Index::build(rows.view(), {.ids = own});
    index.save(folder / "a");
    CHECK_NOTHROW(Index::open(folder / "a", {.verify_codes = true}));
    const test::Rows queries = test::gaussian_rows(3, 5, 4);
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
      for (const std::size_t k : {std::size_t{1}, std::size_t{20}, std::size_t{3000}}) {
        const SearchResult got = index.search(queries.view(), k, {.metric = metric});
        const SearchResult expected =
            reference::top_k(rows.view(), queries.view(), k, metric, false, own.data());
        CHECK(test::difference(got, expected) == "");
      }
      const double infinity = std::numeric_limits<double>::infinity();
      const double everything = metric == Metric::euclidean ? infinity : -infinity;
      CHECK(index.search_range(queries.view(), {&everything, 1}, {.metric = metric}).ids.size() ==
            9000);
    }
    const std::vector<std::int64_t> offsets = {0, 1};
    const std::vector<std::int64_t> only = {kLargestId};
    const SearchResult one =
        index.search(queries.view().slice(0, 1), 3, {.filters = {.allow = {offsets, only}}});
    CHECK(one.ids == std::vector<std::int64_t>{kLargestId, -1, -1});
  }
}
