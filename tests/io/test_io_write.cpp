// Results into files: what the writer writes, and what it refuses.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "files.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace {

namespace fs = std::filesystem;
using namespace maxdot::test;
using maxdot::Error;
using maxdot::ErrorCode;
using maxdot::MatrixFile;
using maxdot::MatrixWriter;
using Format = maxdot::MatrixWriter::Format;

}  // namespace

TEST_CASE("io: MatrixWriter writes what readers expect") {
  const Folder folder;
  const std::vector<double> scores = {0.1, -2, 1e-50, 4, 5, 6};
  const std::vector<float> rounded = {0.1F, -2, 0, 4, 5, 6};
  const std::vector<std::int64_t> ids = {1, -1, 2147483647, 4, 5, 6};
  const auto write = [&](const char* name, Format format, const auto& values) {
    MatrixWriter writer(folder / name, format, 2, 3);
    writer.append(values.data(), 1);
    writer.append(values.data() + 3, 1);
    CHECK_FALSE(fs::exists(folder / name));
    writer.commit();
    CHECK_THROWS_AS(writer.commit(), Error);
  };
  write("s.npy", Format::npy_f32, scores);
  write("s.fvecs", Format::fvecs, scores);
  write("i.npy", Format::npy_i64, ids);
  write("i.ivecs", Format::ivecs, ids);
  CHECK(floats(MatrixFile::open(folder / "s.npy").read_all()) == rounded);
  CHECK(floats(MatrixFile::open(folder / "s.fvecs").read_all()) == rounded);
  CHECK(folder.get("i.ivecs") ==
        bytes_of(std::vector<std::int32_t>{3, 1, -1, 2147483647, 3, 4, 5, 6}));
  const std::string array = folder.get("i.npy");
  REQUIRE(array.size() == 128 + 48);
  CHECK(array.substr(0, 72) ==
        std::string("\x93NUMPY\1\0\x76\0", 10) +
            "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }   ");
  CHECK(array[127] == '\n');
  CHECK(array.substr(128) == bytes_of(ids));

  const std::string path = folder / "x.ivecs";
  {
    MatrixWriter writer(path, Format::ivecs, 2, 3);
    const std::vector<std::int64_t> wide = {1, 2, 3, 4, 5, 2147483648};
    check_refused([&] { writer.append(wide.data(), 2); }, ErrorCode::invalid_data, path,
                  "row 1: id 2147483648");
    check_refused([&] { writer.append(scores.data(), 1); }, ErrorCode::invalid_argument, path,
                  "holds ids");
    check_refused([&] { writer.append(ids.data(), 3); }, ErrorCode::invalid_argument, path,
                  "more than the 2");
    writer.append(ids.data(), 1);
    check_refused([&] { writer.commit(); }, ErrorCode::invalid_argument, path, "only 1 of 2");
  }
  const auto create = [&](std::size_t rows, std::size_t cols) {
    MatrixWriter(path, Format::ivecs, rows, cols);
  };
  check_refused([&] { create(1, 0); }, ErrorCode::invalid_argument, path, "rows of 0 values");
  check_refused([&] { create(1, std::size_t{1} << 31); }, ErrorCode::invalid_argument, path,
                "values");
  check_refused([&] { create(~std::size_t{0}, 9); }, ErrorCode::invalid_argument, path,
                "than a file can hold");
  CHECK(folder.entries() == 4);
}

TEST_CASE(
    "two writers of one pair of files take turns: what stays belongs together, and neither fails") {
  const Folder folder;
  const std::string ids = folder / "pair.ids.npy";
  const std::string scores = folder / "pair.scores.npy";
  const auto write = [&](std::int64_t value) {
    MatrixWriter first(ids, MatrixWriter::Format::npy_i64, 1, 1);
    MatrixWriter second(scores, MatrixWriter::Format::npy_f32, 1, 1);
    const auto score = static_cast<double>(value);
    first.append(&value, 1);
    second.append(&score, 1);
    MatrixWriter::commit_both(first, second);
  };
  std::atomic<int> failures{0};
  const auto writer = [&](std::int64_t from) {
    for (std::int64_t round = 0; round < 200; ++round) {
      try {
        write(from + round);
      } catch (const Error&) {
        ++failures;
      }
    }
  };
  std::thread other(writer, 1000);
  writer(0);
  other.join();
  CHECK(failures == 0);
  float score = 0.0F;
  MatrixFile::open(scores).read(0, 1, &score);
  const std::string bytes = folder.get("pair.ids.npy");
  std::int64_t id = 0;
  std::memcpy(&id, bytes.data() + bytes.size() - sizeof(id), sizeof(id));
  CHECK(id == static_cast<std::int64_t>(score));
}

TEST_CASE("io: a matrix that one writer leaves is finished by another") {
  const std::vector<double> scores = {0.5, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::vector<std::int64_t> ids = {1, -1, 2147483647, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const auto check = [](const char* name, Format format, const auto& values) {
    CAPTURE(name);
    const Folder folder;
    const std::string path = folder / name;
    const std::string partial = path + ".partial";
    {
      MatrixWriter whole(folder / "whole", format, 4, 3);
      whole.append(values.data(), 4);
      whole.commit();
    }
    folder.put(name, "before");
    for (std::size_t done = 0; done <= 4; ++done) {
      CAPTURE(done);
      {
        MatrixWriter first = MatrixWriter::resume(path, format, 4, 3, 0);
        first.append(values.data(), done);
        first.sync();
        first.append(values.data(), 4 - done);  // is not kept
        check_refused([&] { MatrixWriter::resume(path, format, 4, 3, 0); }, ErrorCode::io, path,
                      "is written by another process");
      }
      CHECK(fs::exists(partial));
      MatrixWriter second = MatrixWriter::resume(path, format, 4, 3, done);
      second.append(values.data() + 3 * done, 4 - done);
      second.commit();
      CHECK(folder.get(name) == folder.get("whole"));
      CHECK_FALSE(fs::exists(partial));
    }
    // What was never synced does not stay.
    {
      MatrixWriter unused = MatrixWriter::resume(path, format, 4, 3, 0);
      unused.append(values.data(), 2);
    }
    CHECK(folder.entries() == 2);
    {
      MatrixWriter first = MatrixWriter::resume(path, format, 4, 3, 0);
      first.append(values.data(), 1);
      first.sync();
    }
    check_refused([&] { MatrixWriter::resume(path, format, 4, 3, 2); }, ErrorCode::io, path,
                  "cannot be continued");
    check_refused([&] { MatrixWriter::resume(path, format, 4, 3, 5); }, ErrorCode::invalid_argument,
                  path, "behind row 5 of 4");
    CHECK(fs::exists(partial));  // a refusal takes nothing away
    MatrixWriter again = MatrixWriter::resume(path, format, 4, 3, 1);
    again.append(values.data() + 3, 3);
    again.commit();
    CHECK(folder.get(name) == folder.get("whole"));
    CHECK(folder.entries() == 2);
  };
  check("s.npy", Format::npy_f32, scores);
  check("s.fvecs", Format::fvecs, scores);
  check("i.npy", Format::npy_i64, ids);
  check("i.ivecs", Format::ivecs, ids);

  const Folder folder;
  MatrixWriter plain(folder / "x.npy", Format::npy_i64, 4, 3);
  check_refused([&] { plain.sync(); }, ErrorCode::invalid_argument, folder / "x.npy",
                "MatrixWriter::resume");
}

TEST_CASE("io: what stands in the way of a partial file is left alone") {
  const Folder folder;
  const std::string path = folder / "i.npy";
  const auto resume = [&] { MatrixWriter::resume(path, Format::npy_i64, 4, 3, 0); };
  fs::create_directory(path + ".partial");
  check_refused(resume, ErrorCode::io, path, "cannot open");
  fs::remove(path + ".partial");
  folder.put("other", "of somebody else");
  fs::create_symlink(folder / "other", path + ".partial");
  check_refused(resume, ErrorCode::io, path, "cannot open");
  CHECK(folder.get("other") == "of somebody else");
  CHECK(fs::is_symlink(path + ".partial"));
}

TEST_CASE("io: a link to a file that a partial file is to replace stays a link") {
  const Folder folder;
  folder.put("target.ivecs", "before");
  fs::create_symlink(folder / "target.ivecs", folder / "link.ivecs");
  const std::vector<std::int64_t> ids = {1, 2};
  MatrixWriter writer = MatrixWriter::resume(folder / "link.ivecs", Format::ivecs, 1, 2, 0);
  writer.append(ids.data(), 1);
  CHECK(fs::exists(folder / "target.ivecs.partial"));
  writer.commit();
  CHECK(fs::is_symlink(folder / "link.ivecs"));
  CHECK(folder.get("target.ivecs") == bytes_of(std::vector<std::int32_t>{2, 1, 2}));
}
