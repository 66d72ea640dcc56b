// An index file that is written some rows at a time is, byte for byte, the one that is built in
// memory and saved; and it is written in little memory, or not at all.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "alloc_faults.hpp"
#include "files.hpp"
#include "maxdot/maxdot.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

/// Appends all rows, `at_once` of them at a time, and their ids if there are any.
std::uint64_t write(const std::string& path, const MatrixView& rows, std::size_t at_once,
                    const IndexWriterOptions& options, const std::vector<std::int64_t>& ids = {}) {
  IndexWriter writer(path, rows.rows, rows.cols, rows.dtype, options);
  for (std::size_t first = 0; first < rows.rows; first += at_once) {
    const std::size_t count = std::min(at_once, rows.rows - first);
    const std::span<const std::int64_t> all(ids);
    writer.append(rows.slice(first, count), ids.empty() ? all.first(0) : all.subspan(first, count));
  }
  return writer.commit();
}

/// Ids that do not ascend.
std::vector<std::int64_t> descending(std::size_t count) {
  std::vector<std::int64_t> ids = test::ids_from(7, count, 5);
  std::reverse(ids.begin(), ids.end());
  return ids;
}

}  // namespace

TEST_CASE("IndexWriter: the file is that of build and save, for every size, type and metric") {
  const test::Folder folder;
  const std::string whole = folder / "whole.maxdot";
  const std::string parts = folder / "parts.maxdot";
  for (const std::size_t n : {0U, 1U, 63U, 64U, 65U, 4095U, 4096U, 4097U, 9001U}) {
    const test::Rows rows = test::gaussian_rows(n, 13, n + 1);
    const std::vector<std::uint16_t> halves = test::to_halves(rows);
    for (const bool half : {false, true}) {
      const MatrixView view = half ? MatrixView::f16(halves.data(), n, 13) : rows.view();
      for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
        for (const bool normalize : {false, true}) {
          const std::vector<std::int64_t> ids =
              normalize && n > 0 ? descending(n) : std::vector<std::int64_t>{};
          const std::uint64_t checksum =
              Index::build(view, {.metric = metric, .normalize = normalize, .ids = ids})
                  .save(whole);
          for (const std::size_t at_once : {4096U, 1000U, 100000U}) {
            INFO(n, " rows, ", at_once, " at once, ", to_string(metric), ", f16 ", half);
            CHECK(write(parts, view, at_once,
                        {.metric = metric, .normalize = normalize, .with_ids = !ids.empty()},
                        ids) == checksum);
            CHECK(folder.get("parts.maxdot") == folder.get("whole.maxdot"));
          }
        }
      }
    }
  }
}

TEST_CASE("IndexWriter: several rounds of encoding, rows with gaps between them, nasty data") {
  const test::Folder folder;
  // More than is gathered at once.
  const test::Rows wide = test::gaussian_rows(9000, 2000, 3);
  Index::build(wide.view(), {.metric = Metric::dot}).save(folder / "whole.maxdot");
  write(folder / "parts.maxdot", wide.view(), 777, {.metric = Metric::dot, .threads = 2});
  CHECK(folder.get("parts.maxdot") == folder.get("whole.maxdot"));
  const MatrixView narrow = {wide.values.data(), DType::f32, 9000, 100, 8000};
  Index::build(narrow, {}).save(folder / "whole.maxdot");
  write(folder / "parts.maxdot", narrow, 5000, {});
  CHECK(folder.get("parts.maxdot") == folder.get("whole.maxdot"));
  for (const test::Generator& generator : test::generators()) {
    const test::Rows rows = generator.make(5000, 12, 5);
    INFO(generator.name);
    Index::build(rows.view(), {.metric = Metric::dot}).save(folder / "whole.maxdot");
    write(folder / "parts.maxdot", rows.view(), 333, {.metric = Metric::dot});
    CHECK(folder.get("parts.maxdot") == folder.get("whole.maxdot"));
  }
}

TEST_CASE("build_file: every kind of file, with and without ids") {
  const test::Folder folder;
  const test::Rows rows = test::gaussian_rows(5001, 9, 1);
  std::string fvecs;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    const auto row = rows.values.begin() + static_cast<std::ptrdiff_t>(r * 9);
    fvecs += test::fvecs_row(9, {row, row + 9});
  }
  const std::vector<std::uint16_t> halves = test::to_halves(rows);
  const std::string paths[] = {
      folder.put("a.npy", test::npy("'<f4'", "(5001, 9)", test::bytes_of(rows.values))),
      folder.put("b.npy", test::npy("'<f2'", "(5001, 9)", test::bytes_of(halves))),
      folder.put("c.fvecs", fvecs), folder.put("d.fbin", test::fbin(5001, 9, rows.values))};
  const std::vector<std::int64_t> ids = descending(5001);
  for (const std::string& path : paths) {
    const MatrixFile file = MatrixFile::open(path);
    for (const bool with_ids : {false, true}) {
      BuildOptions options = {.metric = Metric::euclidean};
      if (with_ids) options.ids = ids;
      const std::uint64_t checksum =
          Index::build(file.read_all(), options).save(folder / "whole.maxdot");
      CHECK(build_file(file, folder / "parts.maxdot", options) == checksum);
      CHECK(folder.get("parts.maxdot") == folder.get("whole.maxdot"));
      CHECK(Index::open(folder / "parts.maxdot", {.verify_codes = true}).size() == 5001);
    }
  }
  const MatrixFile none = MatrixFile::open(folder.put("e.fbin", test::fbin(0, 4, {})));
  CHECK(build_file(none, folder / "none.maxdot") ==
        Index::build(none.read_all()).save(folder / "w"));
}

TEST_CASE("IndexWriter: what is wrong is refused, and says where; the old file stays") {
  const test::Folder folder;
  const std::string path = folder.put("items.maxdot", "old");
  test::Rows rows = test::gaussian_rows(5000, 6, 1);
  const auto code = [](const auto& call) { return test::code_of(call); };
  CHECK(code([&] { IndexWriter(path, 1, 0, DType::f32); }) == ErrorCode::invalid_argument);
  CHECK(code([&] { IndexWriter(path, 1, max_dimension + 1, DType::f32); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { IndexWriter(path, 1, 4, static_cast<DType>(7)); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { IndexWriter(path, 1, 4, DType::f32, {.metric = static_cast<Metric>(9)}); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { IndexWriter(path, 1, 4, DType::f32, {.threads = -1}); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { IndexWriter(path, std::numeric_limits<std::size_t>::max(), 4, DType::f32); }) ==
        ErrorCode::invalid_argument);
  CHECK(code([&] { IndexWriter(folder / "none/items.maxdot", 1, 4, DType::f32); }) ==
        ErrorCode::io);
  {
    IndexWriter writer(path, 6000, 6, DType::f32, {.metric = Metric::dot});
    writer.append(rows.view());
    CHECK(code([&] { writer.append(rows.view()); }) == ErrorCode::invalid_argument);
    CHECK(code([&] { writer.append(test::gaussian_rows(1, 5, 1).view()); }) ==
          ErrorCode::invalid_argument);
    const std::vector<std::uint16_t> halves(6);
    CHECK(code([&] { writer.append(MatrixView::f16(halves.data(), 1, 6)); }) ==
          ErrorCode::invalid_argument);
    CHECK(code([&] { writer.append(rows.view().slice(0, 1), std::vector<std::int64_t>{1}); }) ==
          ErrorCode::invalid_argument);
    CHECK(code([&] { writer.commit(); }) == ErrorCode::invalid_argument);
    const float good = std::exchange(rows.values[17 * 6 + 2], std::nanf(""));
    try {
      writer.append(rows.view().slice(0, 1000));
      FAIL_CHECK("NaN was accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_data);
      CHECK(std::string(error.what()).find("row 5017, column 2 is NaN") != std::string::npos);
      CHECK(error.place().row == 5017);
    }
    // Nothing of it was taken: what is mended may come again.
    rows.values[17 * 6 + 2] = good;
    CHECK(folder.get("items.maxdot") == "old");
    writer.append(rows.view().slice(0, 1000));
    writer.commit();
    CHECK(code([&] { writer.append(rows.view().slice(0, 0)); }) == ErrorCode::io);
    CHECK(code([&] { writer.commit(); }) == ErrorCode::io);
    IndexWriter other = std::move(writer);
    CHECK(code([&] { writer.commit(); }) == ErrorCode::invalid_argument);
  }
  test::Rows all = rows;
  all.values.insert(all.values.end(), rows.values.begin(), rows.values.begin() + 6000);
  all.rows = 6000;
  Index::build(all.view(), {.metric = Metric::dot}).save(folder / "whole.maxdot");
  CHECK(folder.get("items.maxdot") == folder.get("whole.maxdot"));
  {
    IndexWriter writer(path, 3, 6, DType::f32, {.with_ids = true});
    CHECK(code([&] { writer.append(rows.view().slice(0, 2)); }) == ErrorCode::invalid_argument);
    writer.append(rows.view().slice(0, 2), std::vector<std::int64_t>{4, 2});
    CHECK(code([&] { writer.append(rows.view().slice(0, 1), std::vector<std::int64_t>{-2}); }) ==
          ErrorCode::invalid_data);
    writer.append(rows.view().slice(0, 1), std::vector<std::int64_t>{4});
    CHECK(code([&] { writer.commit(); }) == ErrorCode::invalid_data);
  }
  CHECK(folder.get("items.maxdot") == folder.get("whole.maxdot"));
  CHECK(folder.entries() == 2);
}

TEST_CASE("build_file: what is wrong is told by the name of the file that it is in") {
  const test::Folder folder;
  const std::string out = folder.put("items.maxdot", "old");
  test::Rows rows = test::gaussian_rows(9000, 4, 1);
  rows.values[8500 * 4 + 1] = std::numeric_limits<float>::infinity();
  const std::string bad = folder.put("bad.fbin", test::fbin(9000, 4, rows.values));
  test::check_refused([&] { build_file(MatrixFile::open(bad), out); }, ErrorCode::invalid_data, bad,
                      "row 8500, column 1 is Inf");
  rows.values[8500 * 4 + 1] = 1;
  const std::string good = folder.put("good.fbin", test::fbin(9000, 4, rows.values));
  const MatrixFile file = MatrixFile::open(good);
  std::vector<std::int64_t> ids = test::ids_from(0, 9000);
  ids[8999] = 3;
  CHECK(test::code_of([&] { build_file(file, out, {.ids = ids}); }) == ErrorCode::invalid_data);
  ids.pop_back();
  CHECK(test::code_of([&] { build_file(file, out, {.ids = ids}); }) == ErrorCode::invalid_argument);
  Cancellation cancellation;
  cancellation.cancel();
  CHECK(test::code_of([&] { build_file(file, out, {.stop = {.cancellation = &cancellation}}); }) ==
        ErrorCode::cancelled);
  IndexWriter writer(out, 9000, 4, DType::f32);
  CHECK(test::code_of([&] { writer.append(rows.view(), {}, {.cancellation = &cancellation}); }) ==
        ErrorCode::cancelled);
  CHECK(test::code_of([&] { writer.append(rows.view()); }) == ErrorCode::io);
  REQUIRE(::truncate(good.c_str(), 20000) == 0);
  test::check_refused([&] { build_file(file, out); }, ErrorCode::bad_format, good, "too early");
  CHECK(folder.get("items.maxdot") == "old");
}

TEST_CASE("build_file: memory that runs out is an Error, and the old file stays" *
          doctest::skip(!test::kAllocationsCanFail)) {
  const test::Folder folder;
  const test::Rows rows = test::gaussian_rows(5000, 4, 1);
  const std::string path =
      folder.put("items of some length.fbin", test::fbin(5000, 4, rows.values));
  const std::string out = folder.put("an index with a long name.maxdot", "old");
  const std::vector<std::int64_t> ids = descending(5000);
  const MatrixFile file = MatrixFile::open(path);
  CHECK(test::for_each_allocation_fault([&] {
          try {
            build_file(file, out, {.ids = ids, .threads = 1});
          } catch (...) {
            if (folder.entries() != 2 || folder.get("an index with a long name.maxdot") != "old")
              throw std::runtime_error("the old file was changed");
            throw;
          }
        }) > 10);
}
