// Whatever a function that takes a path throws, the error has the path.
#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "files.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/io.hpp"
#include "maxdot/live_index.hpp"
#include "support.hpp"

using namespace maxdot;

namespace {

namespace fs = std::filesystem;

void check_path_of(const std::string& path, const std::function<void()>& call) {
  CAPTURE(path);
  try {
    call();
    FAIL_CHECK("nothing was thrown");
  } catch (const Error& error) {
    CAPTURE(error.what());
    CHECK(error.path() == path);
    const Error copy = error;
    CHECK(copy.path() == path);
  }
}

}  // namespace

TEST_CASE("errors about files have the path: what cannot be opened or is damaged") {
  const test::Folder folder;
  const std::string damaged = folder.put("damaged.maxdot", "no index");
  const std::string words = folder.put("words.txt", "no number\nat all\n");
  const std::string text = folder.put("items.npy", "no array");
  for (const std::string& path : {std::string(folder / "missing.maxdot"), damaged}) {
    check_path_of(path, [&] { (void)Index::open(path); });
  }
  for (const std::string& path : {std::string(folder / "missing.npy"), text, words}) {
    check_path_of(path, [&] { (void)MatrixFile::open(path); });
    check_path_of(path, [&] { (void)read_ids(path); });
    check_path_of(path, [&] { (void)read_id_pairs(path); });
  }
  const std::string nul("a\0b", 3);
  check_path_of(nul, [&] { (void)Index::open(nul); });
  check_path_of(nul, [&] { (void)MatrixFile::open(nul); });
}

TEST_CASE("errors about files have the path: reading and writing later") {
  const test::Folder folder;
  const std::string nowhere = folder / "none/out.npy";
  const test::Rows rows = test::gaussian_rows(10, 4, 1);
  const Index index = Index::build(rows.view());
  check_path_of(nowhere, [&] { index.save(nowhere); });
  check_path_of(nowhere, [&] { MatrixWriter(nowhere, MatrixWriter::Format::npy_i64, 1, 1); });

  const std::string good = folder / "items.maxdot";
  index.save(good);
  check_path_of(good, [&] { (void)Index::open(good, {.threads = -1}); });
  fs::resize_file(good, fs::file_size(good) - 1);
  check_path_of(good, [&] { (void)Index::open(good); });

  const std::string out = folder / "out.ivecs";
  check_path_of(out, [&] { MatrixWriter(out, MatrixWriter::Format::ivecs, 1, 0); });
  MatrixWriter writer(out, MatrixWriter::Format::ivecs, 2, 1);
  const std::int64_t wide = INT64_MAX;
  const double score = 0.0;
  check_path_of(out, [&] { writer.append(&wide, 1); });
  check_path_of(out, [&] { writer.append(&score, 1); });
  check_path_of(out, [&] { writer.commit(); });
  MatrixWriter second(folder / "second.fvecs", MatrixWriter::Format::fvecs, 0, 1);
  check_path_of(out, [&] { MatrixWriter::commit_both(writer, second); });
  MatrixWriter same(out, MatrixWriter::Format::ivecs, 0, 1);
  MatrixWriter again(out, MatrixWriter::Format::ivecs, 0, 1);
  check_path_of(out, [&] { MatrixWriter::commit_both(same, again); });
  check_path_of(out, [&] { MatrixWriter::commit_both(second, writer); });

  const std::string vectors = folder / "rows.fvecs";
  MatrixWriter of_rows(vectors, MatrixWriter::Format::fvecs, 2, 1);
  const double values[] = {1.0, 2.0};
  of_rows.append(values, 2);
  of_rows.commit();
  const MatrixFile file = MatrixFile::open(vectors);
  float read[3];
  check_path_of(vectors, [&] { file.read(1, 2, read); });
  fs::resize_file(vectors, 12);
  check_path_of(vectors, [&] { file.read(0, 2, read); });
  check_path_of(vectors, [&] { (void)file.read_all(); });
}

TEST_CASE("errors about no file have no path") {
  try {
    (void)Index::build(MatrixView::f32(nullptr, 1, 0));
    FAIL_CHECK("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.path().empty());
  }
}

TEST_CASE("errors about files have what the system said") {
  const test::Folder folder;
  const auto said = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::io);
      const Error copy = error;
      return copy.about("elsewhere").system_error();
    }
    return -1;
  };
  const test::Rows rows = test::gaussian_rows(10, 4, 1);
  const Index index = Index::build(rows.view());
  CHECK(said([&] { (void)Index::open(folder / "missing.maxdot"); }) == ENOENT);
  CHECK(said([&] { (void)read_ids(folder / "missing.txt"); }) == ENOENT);
  CHECK(said([&] { index.save(folder / "none/out"); }) == ENOENT);
  CHECK(said([&] { index.save(folder / "."); }) == EISDIR);
  CHECK(said([&] { (void)LiveIndex::open(folder / "none"); }) == ENOENT);
  CHECK(said([&] { (void)LiveIndex::open_read_only(folder / "none"); }) == ENOENT);
  CHECK(Error(ErrorCode::io, "x").system_error() == 0);
}
