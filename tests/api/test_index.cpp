// The door: what Index accepts and refuses, and what survives a file.

#include <doctest/doctest.h>
#include <xxhash.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <thread>

#include "files.hpp"
#include "support.hpp"

using namespace maxdot;
using test::Folder;

namespace {

template <typename F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no maxdot::Error was thrown");
  return {ErrorCode::io, ""};
}

bool contains(const Error& error, const std::string& part) {
  return std::string(error.what()).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the tests' own comparison tells +0 from -0") {
  const SearchResult plus{1, 1, {7}, {0.0}, {1}};
  const SearchResult minus{1, 1, {7}, {-0.0}, {1}};
  CHECK(test::difference(plus, plus) == "");
  CHECK(test::difference(plus, minus) != "");
}

TEST_CASE("a saved index answers as the one that was built") {
  const Folder folder;
  const test::Rows items = test::gaussian_rows(700, 29, 1);
  const std::vector<std::uint16_t> halves = test::to_halves(items);
  const test::Rows queries = test::gaussian_rows(13, 29, 2);
  std::vector<std::int64_t> ids(700);
  for (std::size_t i = 0; i < 700; ++i)
    ids[i] = static_cast<std::int64_t>((i * 7919) % 700 + (1LL << 40));
  for (const bool with_ids : {false, true}) {
    for (const MatrixView& view : {items.view(), MatrixView::f16(halves.data(), 700, 29)}) {
      BuildOptions options{.metric = Metric::euclidean};
      if (with_ids) options.ids = ids;
      const Index built = Index::build(view, options);
      built.save(folder / "a.maxdot");
      const Index opened = Index::open(folder / "a.maxdot", {.verify_payload = true});
      CHECK(opened.info().items == 700);
      CHECK(opened.info().dtype == view.dtype);
      CHECK(opened.info().metric == Metric::euclidean);
      CHECK(opened.info().has_ids == with_ids);
      CHECK(opened.info().bytes == std::filesystem::file_size(folder / "a.maxdot"));
      CHECK(test::difference(opened.search(queries.view(), 20), built.search(queries.view(), 20)) ==
            "");
      CHECK(folder.entries() == 1);
    }
  }
}

TEST_CASE("empty index, saved and searched") {
  const Folder folder;
  const Index empty = Index::build(MatrixView::f32(nullptr, 0, 4));
  empty.save(folder / "e.maxdot");
  const Index opened = Index::open(folder / "e.maxdot", {.verify_payload = true});
  const float query[] = {1, 2, 3, 4};
  const SearchResult result = opened.search(MatrixView::f32(query, 1, 4), 3);
  CHECK(result.ids == std::vector<std::int64_t>{-1, -1, -1});
  CHECK(result.counts == std::vector<std::int64_t>{0});
  CHECK(opened.search(MatrixView::f32(nullptr, 0, 4), 3).ids.empty());
}

TEST_CASE("rows with a stride are read right") {
  const test::Rows wide = test::gaussian_rows(100, 10, 1);
  const MatrixView left = {wide.values.data(), DType::f32, 100, 6, 40};
  test::Rows packed{{}, 100, 6};
  for (std::size_t r = 0; r < 100; ++r) {
    packed.values.insert(packed.values.end(), &wide.values[r * 10], &wide.values[r * 10] + 6);
  }
  const Index index = Index::build(left);
  CHECK(test::difference(index.search(left, 7),
                         Index::build(packed.view()).search(packed.view(), 7)) == "");
}

TEST_CASE("empty braces ask for defaults, into memory of its own and into the caller's") {
  const test::Rows rows = test::gaussian_rows(50, 6, 1);
  const Index index = Index::build(rows.view());
  const SearchResult result = index.search(rows.view(), 2, {});
  std::vector<std::int64_t> ids(100);
  std::vector<double> scores(100);
  index.search_into(rows.view(), 2, {ids.data(), scores.data()}, {});
  CHECK(ids == result.ids);
  CHECK(scores == result.scores);
  ids.assign(100, -7);
  index.search_multi_into(rows.view(), 1, 2, {ids.data(), scores.data()}, {});
  CHECK(ids == index.search_multi(rows.view(), 1, 2, {}).ids);
  CHECK(ids == result.ids);
}

TEST_CASE("bad values are refused with row and column") {
  test::Rows items = test::gaussian_rows(5000, 8, 1);
  const Index index = Index::build(items.view());
  items.values[4200 * 8 + 3] = std::numeric_limits<float>::quiet_NaN();
  items.values[4900 * 8] = std::numeric_limits<float>::infinity();
  const Error nan = error_of([&] { Index::build(items.view()); });
  CHECK(nan.code() == ErrorCode::invalid_data);
  CHECK(contains(nan, "row 4200, column 3 is NaN"));
  try {
    Index::build(items.view());
    FAIL("a NaN was taken");
  } catch (const maxdot::Error& error) {
    CHECK(error.place().row == 4200);
    CHECK(error.place().column == 3);
    CHECK(std::isnan(error.place().value));
  }
  CHECK(contains(error_of([&] { index.search(items.view().slice(4300, 700), 3); }),
                 "queries: row 600, column 0 is Inf"));
  std::vector<std::uint16_t> halves(16, 0x3c00);
  halves[9] = 0xfc00;
  CHECK(contains(error_of([&] { Index::build(MatrixView::f16(halves.data(), 2, 8)); }),
                 "row 1, column 1 is Inf"));
}

TEST_CASE("bad shapes, ids, threads and sizes are refused") {
  const test::Rows items = test::gaussian_rows(10, 4, 1);
  const Index index = Index::build(items.view());
  const auto code = [](auto&& f) { return error_of(f).code(); };
  CHECK(code([&] { Index::build(MatrixView::f32(items.values.data(), 10, 0)); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { Index::build(MatrixView::f32(items.values.data(), 0, 40000)); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { Index::build(MatrixView::f32(nullptr, 10, 4)); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { index.search(MatrixView::f32(items.values.data(), 1, 5), 1); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { index.search(items.view(), 1, {.threads = -1}); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { index.search(items.view(), std::size_t{1} << 60); }) ==
        ErrorCode::out_of_memory);
  CHECK(code([&] { index.search(items.view(), ~std::size_t{0}); }) == ErrorCode::out_of_memory);
  std::vector<std::int64_t> ids(10, 3);
  CHECK(contains(error_of([&] { Index::build(items.view(), {.ids = ids}); }),
                 "id 3 stands on more than one row"));
  for (std::size_t i = 0; i < 10; ++i) ids[i] = static_cast<std::int64_t>(i);
  ids[4] = -7;
  CHECK(contains(error_of([&] { Index::build(items.view(), {.ids = ids}); }), "row 4 has id -7"));
  ids.resize(9);
  CHECK(
      contains(error_of([&] { Index::build(items.view(), {.ids = ids}); }), "9 ids for 10 items"));
}

TEST_CASE("a damaged file is refused, whichever byte it is") {
  const Folder folder;
  const test::Rows items = test::gaussian_rows(21, 5, 1);
  const std::vector<std::int64_t> ids = [] {
    std::vector<std::int64_t> list(21);
    for (std::size_t i = 0; i < 21; ++i) list[i] = static_cast<std::int64_t>(2 * i);
    return list;
  }();
  Index::build(items.view(), {.ids = ids}).save(folder / "good");
  const std::string good = folder.get("good");
  const std::string path = folder / "bad";
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    folder.put("bad", bad);
    const Error error = error_of([&] { Index::open(path, {.verify_payload = true}); });
    REQUIRE(contains(error, path));
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    folder.put("bad", good.substr(0, length));
    REQUIRE(error_of([&] { Index::open(path); }).code() == ErrorCode::bad_format);
  }
  folder.put("bad", good + "x");
  CHECK(error_of([&] { Index::open(path); }).code() == ErrorCode::bad_format);
  CHECK(error_of([&] { Index::open(folder / "none"); }).code() == ErrorCode::io);
  CHECK(error_of([&] { Index::open(folder / ""); }).code() == ErrorCode::io);
}

TEST_CASE("a file whose checksum is right but whose header lies is refused") {
  const Folder folder;
  const test::Rows items = test::gaussian_rows(16, 5, 1);
  Index::build(items.view()).save(folder / "good");
  const std::string good = folder.get("good");
  const std::string path = folder / "bad";
  constexpr std::size_t kTable = 64;
  constexpr std::size_t kEntry = 32;
  std::uint32_t sections = 0;
  std::memcpy(&sections, &good[12], sizeof sections);
  const auto forge = [&](std::size_t at, std::uint64_t value, std::size_t bytes) {
    std::string bad = good;
    std::memcpy(&bad[at], &value, bytes);
    std::memset(&bad[56], 0, 8);
    const std::uint64_t checksum = XXH3_64bits(bad.data(), kTable + sections * kEntry);
    std::memcpy(&bad[56], &checksum, 8);
    folder.put("bad", bad);
    return error_of([&] { Index::open(path); });
  };
  // The high codes are 256 bytes: from 2^64 - 320 on, their end and the 64 bytes after it are 0 in
  // 64 bits.
  CHECK(contains(forge(kTable + 2 * kEntry + 8, ~std::uint64_t{319}, 8),
                 "'high codes' does not fit"));
  CHECK(contains(forge(kTable + 2 * kEntry + 8, good.size(), 8), "'high codes' does not fit"));
  CHECK(contains(forge(kTable + 8, 64, 8), "'rows' does not fit"));
  CHECK(contains(forge(kTable + 16, 64, 8), "'rows' does not fit"));
  CHECK(contains(forge(kTable + 4, 1, 4), "'rows' does not fit"));
  CHECK(contains(forge(kTable, 99, 4), "unknown kind 99"));
  CHECK(contains(forge(kTable + 2 * kEntry, 3, 4), "'ids' does not fit"));
  CHECK(contains(forge(kTable + 2 * kEntry, 2, 4), "'squares' does not fit"));
  CHECK(contains(forge(24, 15, 8), "'rows' does not fit"));
  CHECK(contains(forge(24, ~std::uint64_t{0}, 8), "more items than bytes"));
  CHECK(contains(forge(32, 0, 4), "dimension 0"));
  CHECK(contains(forge(39, 1, 1), "header"));
  CHECK(contains(forge(48, 1, 8), "header"));
}

TEST_CASE("a failed save leaves the old file whole") {
  const Folder folder;
  const test::Rows items = test::gaussian_rows(21, 5, 1);
  const Index index = Index::build(items.view());
  CHECK(error_of([&] { index.save(folder / "no/such/folder/a"); }).code() == ErrorCode::io);
  std::filesystem::create_directory(folder / "taken");
  CHECK(error_of([&] { index.save(folder / "taken"); }).code() == ErrorCode::io);
  CHECK(folder.entries() == 1);
}

TEST_CASE("an open index keeps its data when its file is replaced") {
  const Folder folder;
  const test::Rows first = test::gaussian_rows(100, 5, 1);
  const test::Rows second = test::gaussian_rows(50, 5, 2);
  Index::build(first.view()).save(folder / "a");
  const Index opened = Index::open(folder / "a");
  const SearchResult before = opened.search(first.view(), 5);
  Index::build(second.view()).save(folder / "a");
  CHECK(test::difference(opened.search(first.view(), 5), before) == "");
  CHECK(Index::open(folder / "a").size() == 50);
}

TEST_CASE("eight caller threads share an index") {
  const test::Rows items = test::gaussian_rows(2000, 30, 1);
  const test::Rows queries = test::gaussian_rows(40, 30, 2);
  const Index index = Index::build(items.view());
  const SearchResult expected = index.search(queries.view(), 10);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 5; ++round) {
        const SearchResult got = index.search(queries.view(), 10, {.threads = 1 + t % 3});
        if (!test::difference(got, expected).empty()) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong.load() == 0);
}

TEST_CASE("reading rows and ids back") {
  const test::Rows items = test::gaussian_rows(10, 4, 1);
  const Index index = Index::build(items.view());
  float row[4];
  index.item_row(7, row);
  CHECK(std::equal(row, row + 4, &items.values[28]));
  CHECK(index.item_id(7) == 7);
}

TEST_CASE("the table of SearchStats names each of its fields once") {
  SearchStats stats;
  std::set<std::string> names;
  for (std::size_t i = 0; i < search_stats_fields.size(); ++i) {
    stats.*search_stats_fields[i].value = i + 1;
    names.insert(search_stats_fields[i].name);
  }
  CHECK(names.size() == search_stats_fields.size());
  for (std::size_t i = 0; i < search_stats_fields.size(); ++i) {
    CHECK(stats.*search_stats_fields[i].value == i + 1);  // not written again through another name
  }
}
