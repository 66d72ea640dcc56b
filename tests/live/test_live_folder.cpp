// The folder of a LiveIndex: what writers left, who owns it, and files that are damaged.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "files.hpp"
#include "live/manifest.hpp"
#include "maxdot/live_index.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::test;

TEST_CASE("a log that is older than the manifest: segments that both name are kept") {
  const Folder folder;
  const std::string path = folder / "items";
  const LiveOptions options = {.fresh_items = 64, .compact_in_background = false};
  {
    LiveIndex index = LiveIndex::create(path, 4, {.metric = Metric::dot}, options);
    index.replace(Index::build(gaussian_rows(100, 4, 1).view(), {.metric = Metric::dot}));
    index.upsert(ids_from(1000, 100), gaussian_rows(100, 4, 2).view());  // a segment at once
  }
  // As if a merge of others had written it and the process had been killed: the log repeats both.
  live::Manifest manifest = live::read_manifest(path + "/manifest");
  manifest.version = 3;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".maxdot")) continue;
    const Index segment = Index::open(entry.path().string());
    manifest.segments.push_back({std::stoull(name.substr(std::string("segment-").size())),
                                 segment.info().checksum,
                                 segment.size(),
                                 {}});
  }
  CHECK(manifest.segments.size() == 2);
  live::write_manifest(manifest, path + "/manifest");
  // New items become a segment, and what is no longer needed is removed.
  {
    LiveIndex index = LiveIndex::open(path, {.fresh_items = 64});
    CHECK(index.snapshot().size() == 200);
    for (const std::int64_t first : {5000, 6000})
      index.upsert(ids_from(first, 40), gaussian_rows(40, 4, 3).view());
    for (int wait = 0; wait < 1000 && index.stats().fresh_items != 0; ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(index.stats().fresh_items == 0);
  }
  CHECK(LiveIndex::open(path, options).snapshot().size() == 280);
}

TEST_CASE(
    "a log that is older than the manifest: records of a shape that was replaced are passed") {
  const Folder folder;
  const std::string path = folder / "items";
  const LiveOptions options = {.fresh_items = 64, .compact_in_background = false};
  {
    LiveIndex index = LiveIndex::create(path, 4, {.metric = Metric::dot}, options);
    index.upsert(ids_from(0, 10), gaussian_rows(10, 4, 1).view());
    index.replace(Index::build(gaussian_rows(50, 7, 2).view(), {.metric = Metric::cosine}));
    index.upsert(ids_from(40, 20), gaussian_rows(20, 7, 3).view());
  }
  // As a compaction writes it that has begun before the replace, and ends after it.
  live::Manifest manifest = live::read_manifest(path + "/manifest");
  const std::string segment = path + "/segment-2.maxdot";
  const IndexInfo info = Index::open(segment).info();
  manifest.shape = {Metric::cosine, false, DType::f32, 7};
  manifest.version = manifest.replaced = 3;
  manifest.segments.push_back({2, info.checksum, info.items, {}});
  live::write_manifest(manifest, path + "/manifest");
  CHECK(LiveIndex::open_read_only(path).snapshot().size() == 60);
  LiveIndex index = LiveIndex::open(path, options);
  CHECK(index.snapshot().version() == 4);
  index.remove(ids_from(59, 1));
  index.compact();
  CHECK(index.snapshot().size() == 59);
}

TEST_CASE("a folder that is made anew while it is open belongs to somebody else") {
  const Folder folder;
  const std::string path = folder / "items";
  LiveIndex old = LiveIndex::create(path, 3);
  old.upsert(ids_from(0, 10), gaussian_rows(10, 3, 1).view());
  LiveIndex reader = LiveIndex::open_read_only(path);
  std::filesystem::rename(path, folder / "elsewhere");
  LiveIndex index = LiveIndex::create(path, 3);
  index.upsert(ids_from(100, 12), gaussian_rows(12, 3, 2).view());
  CHECK(reader.refresh());
  CHECK(reader.snapshot().size() == 12);
  CHECK(code_of([&] { old.compact(); }) == ErrorCode::io);
  CHECK(code_of([&] { old.upsert(ids_from(0, 5000), gaussian_rows(5000, 3, 1).view()); }) ==
        ErrorCode::io);
  CHECK(code_of([&] { old.upsert(ids_from(0, 1), gaussian_rows(1, 3, 1).view()); }) ==
        ErrorCode::io);
  CHECK(code_of([&] { old.remove(ids_from(0, 1)); }) == ErrorCode::io);
  CHECK(index.snapshot().size() == 12);
  index.compact();
  CHECK(LiveIndex::open_read_only(path).snapshot().size() == 12);
  CHECK(LiveIndex::open_read_only(folder / "elsewhere").snapshot().size() == 10);
}

TEST_CASE("a folder that was deleted takes no changes") {
  const Folder folder;
  const std::string path = folder / "items";
  LiveIndex index = LiveIndex::create(path, 3);
  index.upsert(ids_from(0, 10), gaussian_rows(10, 3, 1).view());
  std::filesystem::remove_all(path);
  CHECK(code_of([&] { index.upsert(ids_from(10, 1), gaussian_rows(1, 3, 1).view()); }) ==
        ErrorCode::io);
  CHECK(code_of([&] { index.remove(ids_from(0, 1)); }) == ErrorCode::io);
  CHECK(index.snapshot().size() == 10);
}

TEST_CASE("a folder is free when its LiveIndex is gone, whatever children there are") {
  const Folder folder;
  const std::string path = folder / "items";
  const std::vector<float> rows = {1, 2, 3, 4};
  auto index = std::make_unique<LiveIndex>(LiveIndex::create(path, 2));
  index->upsert(ids_from(0, 2), MatrixView::f32(rows.data(), 2, 2));
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Until the parent closes its end.
    char byte = 0;
    close(ends[1]);
    alarm(60);
    _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  close(ends[0]);
  index.reset();
  CHECK(LiveIndex::open(path).snapshot().size() == 2);
  close(ends[1]);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a log that ends below the version of the manifest is refused, and left as it is") {
  const Folder folder;
  const std::string path = folder / "items";
  const LiveOptions options = {.compact_in_background = false};
  const Rows rows = gaussian_rows(5, 2, 1);
  {
    LiveIndex index = LiveIndex::create(path, 2, {}, options);
    for (const std::int64_t first : {0, 10, 20}) index.upsert(ids_from(first, 5), rows.view());
  }
  std::string log;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("log-")) log = "items/" + name;
  }
  const std::string bytes = folder.get(log);
  // As a merge of segments writes it, after it has synced the log.
  live::Manifest manifest = live::read_manifest(path + "/manifest");
  manifest.version = 4;
  live::write_manifest(manifest, path + "/manifest");
  CHECK(LiveIndex::open(path, options).snapshot().size() == 15);
  const std::size_t header = 40;
  const std::size_t record = (bytes.size() - header) / 3;
  for (const std::size_t size : {bytes.size() - 1, bytes.size() - record, header + record}) {
    CAPTURE(size);
    const std::string cut = bytes.substr(0, size);
    folder.put(log, cut);
    CHECK(code_of([&] { (void)LiveIndex::open(path, options); }) == ErrorCode::checksum_mismatch);
    CHECK(code_of([&] { (void)LiveIndex::open_read_only(path); }) == ErrorCode::checksum_mismatch);
    CHECK(folder.get(log) == cut);
  }
  std::string damaged = bytes;
  damaged[bytes.size() - 3] = static_cast<char>(damaged[bytes.size() - 3] ^ 1);
  folder.put(log, damaged);
  CHECK(code_of([&] { (void)LiveIndex::open(path, options); }) == ErrorCode::checksum_mismatch);
  folder.put(log, bytes);
  CHECK(LiveIndex::open(path, options).snapshot().size() == 15);
}

TEST_CASE("the last version of a catalogue takes no change") {
  const Folder folder;
  const std::string path = folder / "items";
  const LiveOptions options = {.compact_in_background = false};
  (void)LiveIndex::create(path, 2, {}, options);
  live::Manifest manifest = live::read_manifest(path + "/manifest");
  manifest.version = (std::uint64_t{1} << 62) - 2;
  live::write_manifest(manifest, path + "/manifest");
  const Rows rows = gaussian_rows(5, 2, 1);
  {
    LiveIndex index = LiveIndex::open(path, options);
    index.upsert(ids_from(0, 5), rows.view());
    CHECK(code_of([&] { index.remove(ids_from(0, 5)); }) == ErrorCode::unsupported);
    CHECK(index.snapshot().size() == 5);
  }
  CHECK(LiveIndex::open(path, options).snapshot().size() == 5);
}

TEST_CASE("damaged files of a LiveIndex are refused, whatever byte it is") {
  const Folder folder;
  const std::string path = folder / "items";
  const Rows rows = gaussian_rows(5, 2, 1);
  {
    LiveIndex index = LiveIndex::create(path, 2, {}, {.compact_in_background = false});
    index.upsert(ids_from(0, 5), rows.view());
    index.compact();
    index.remove(ids_from(0, 1));
    index.upsert(ids_from(10, 5), rows.view());
    index.remove(ids_from(10, 1));
  }
  const std::size_t all = LiveIndex::open_read_only(path).snapshot().size();
  CHECK(all == 8);
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    if (name == "lock" || name.ends_with(".maxdot")) continue;
    const std::string bytes = folder.get("items/" + name);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
      folder.put("items/" + name, damaged);
      CAPTURE(name);
      CAPTURE(i);
      // Of the log, what its last record says was perhaps never written whole.
      try {
        const std::size_t left = LiveIndex::open_read_only(path).snapshot().size();
        CHECK((name.starts_with("log-") && left == 9));
      } catch (const Error&) {
      }
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      folder.put("items/" + name, bytes.substr(0, size));
      try {
        const std::size_t left = LiveIndex::open_read_only(path).snapshot().size();
        CHECK((name.starts_with("log-") && left <= 9));
      } catch (const Error&) {
      }
    }
    folder.put("items/" + name, bytes);
  }
  CHECK(LiveIndex::open_read_only(path).snapshot().size() == all);
}
