// LiveIndex: whatever happened to the catalogue, the answers are those of an Index built of its
// items. (What a kill leaves is for histories.cpp.)
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "files.hpp"
#include "live/model.hpp"
#include "maxdot/live_index.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::test;

namespace {

/// Halves as f32.
Matrix widen(const std::vector<std::uint16_t>& halves, std::size_t dimension) {
  const std::size_t rows = halves.size() / dimension;
  const Index index =
      Index::build(MatrixView{halves.data(), DType::f16, rows, dimension, 2 * dimension});
  Matrix made(rows, dimension, DType::f32);
  for (std::size_t r = 0; r < rows; ++r)
    index.item_row(r, static_cast<float*>(made.data()) + r * dimension);
  return made;
}

}  // namespace

TEST_CASE("a LiveIndex: items come, change and go; a snapshot stays what it was") {
  const Folder folder;
  LiveIndex index = LiveIndex::create(folder / "items", 3, {.metric = Metric::dot});
  CHECK(index.snapshot().size() == 0);
  CHECK(index.snapshot().dimension() == 3);
  const std::vector<float> query = {1, 0, 0};
  const MatrixView asked = MatrixView::f32(query.data(), 1, 3);
  CHECK(index.search(asked, 2).counts[0] == 0);
  CHECK(index.search(asked, 2).ids[0] == -1);

  const std::vector<float> rows = {1, 0, 0, 2, 0, 0};
  const std::vector<std::int64_t> ids = {7, 9};
  const Change put = index.upsert(ids, MatrixView::f32(rows.data(), 2, 3));
  CHECK(put.items == 2);
  CHECK(put.version == index.snapshot().version());
  CHECK(index.search(asked, 1).ids[0] == 9);
  const Snapshot before = index.snapshot();

  const std::vector<float> better = {5, 0, 0};
  const std::vector<std::int64_t> seven = {7};
  CHECK(index.upsert(seven, MatrixView::f32(better.data(), 1, 3)).version == put.version + 1);
  CHECK(index.search(asked, 1).ids[0] == 7);
  CHECK(index.search(asked, 1).scores[0] == 5.0);
  const std::vector<std::int64_t> gone = {9, 1000};
  CHECK(index.remove(gone).items == 1);
  CHECK(index.search(asked, 5).counts[0] == 1);
  CHECK(index.snapshot().size() == 1);
  CHECK_FALSE(index.snapshot().item(9, nullptr));

  CHECK(before.size() == 2);
  CHECK(before.search(asked, 2).ids == std::vector<std::int64_t>{9, 7});
  std::vector<float> row(3);
  CHECK(before.item(7, row.data()));
  CHECK(row == std::vector<float>{1, 0, 0});
}

TEST_CASE(
    "random histories: every version as an Index of its items, also from elsewhere, also later") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Plan plan = make_plan(seed);
    plan.writers = 1;
    const Folder folder;
    const std::string path = folder / "items";
    Model model;
    auto index = std::make_unique<LiveIndex>(
        LiveIndex::create(path, plan.dimension, plan.catalogue, plan.live));
    LiveIndex reader = LiveIndex::open_read_only(path);
    std::vector<std::pair<Snapshot, Model>> kept;
    Random random(seed);
    for (std::size_t i = 0; i < 25; ++i) {
      CAPTURE(i);
      const Step step = make_step(plan, seed, 0, i);
      carry_out(step, plan, *index);
      carry_out(step, model);
      if (random.below(6) == 0) {
        index.reset();
        index = std::make_unique<LiveIndex>(LiveIndex::open(path, plan.live));
      }
      CHECK(difference(index->snapshot(), model, plan, random.bits()) == "");
      if (random.below(3) == 0) {
        reader.refresh();
        CHECK(reader.snapshot().version() == index->snapshot().version());
        CHECK(difference(reader.snapshot(), model, plan, random.bits()) == "");
      }
      if (random.below(5) == 0) kept.emplace_back(index->snapshot(), model);
    }
    for (const auto& [snapshot, own] : kept)
      CHECK(difference(snapshot, own, plan, random.bits()) == "");
    index->compact();
    CHECK(index->stats().segments <= 1);
    CHECK(index->stats().dead_items == 0);
    CHECK(difference(index->snapshot(), model, plan, random.bits()) == "");
  }
}

TEST_CASE("searches while items change: each answer is that of the version that it names") {
  const Folder folder;
  Plan plan = make_plan(1);
  plan.writers = 1;
  plan.live = {.durability = Durability::none, .fresh_items = 64};
  LiveIndex index = LiveIndex::create(folder / "items", plan.dimension, plan.catalogue, plan.live);
  std::mutex mutex;
  std::map<std::uint64_t, Model> models;  // by version, under the lock
  models[index.snapshot().version()] = {};
  std::atomic<bool> ends = false;
  std::atomic<int> checked = 0;
  std::vector<std::string> wrong(3);
  std::vector<std::thread> readers;
  for (std::size_t r = 0; r < wrong.size(); ++r) {
    readers.emplace_back([&, r] {
      Random random(r);
      while (!ends && wrong[r].empty()) {
        const Snapshot snapshot = index.snapshot();
        Model model;
        {
          const std::lock_guard lock(mutex);
          const auto found = models.find(snapshot.version());
          if (found == models.end()) continue;  // the writer has not told yet
          model = found->second;
        }
        wrong[r] = difference(snapshot, model, plan, random.bits());
        ++checked;
      }
    });
  }
  Model model;
  for (std::size_t i = 0; i < 150 || (checked < 30 && i < 100'000); ++i) {
    const Step step = make_step(plan, 77, 0, i);
    carry_out(step, model);
    carry_out(step, plan, index);
    const std::lock_guard lock(mutex);
    models[index.snapshot().version()] = model;
    if (models.size() > 20) models.erase(models.begin());
  }
  ends = true;
  for (std::thread& reader : readers) reader.join();
  for (const std::string& one : wrong) CHECK(one == "");
  CHECK(checked > 0);
}

TEST_CASE("many writers: each finds its own change") {
  const Folder folder;
  LiveIndex index =
      LiveIndex::create(folder / "items", 4, {.metric = Metric::dot}, {.fresh_items = 64});
  constexpr std::size_t kWriters = 6;
  constexpr std::size_t kChanges = 60;
  std::atomic<int> missing = 0;
  std::vector<std::thread> writers;
  for (std::size_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (std::size_t i = 0; i < kChanges; ++i) {
        const std::vector<std::int64_t> ids = ids_from(static_cast<std::int64_t>(w * 1000 + i), 3);
        const Rows rows = gaussian_rows(3, 4, w * 1000 + i);
        index.upsert(ids, rows.view());
        if (!index.snapshot().item(ids[0], nullptr)) ++missing;
        if (i % 3 == 2) {
          index.remove(std::span(ids).first(1));
          if (index.snapshot().item(ids[0], nullptr)) ++missing;
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(missing == 0);
  CHECK(index.snapshot().size() == kWriters * (kChanges + 2 - kChanges / 3));
}

TEST_CASE(
    "a catalogue is replaced by one of another dimension and metric, and what was is given back") {
  const Folder folder;
  const std::string path = folder / "items";
  LiveIndex index = LiveIndex::create(path, 8);
  LiveIndex reader = LiveIndex::open_read_only(path);
  const Rows old = gaussian_rows(500, 8, 1);
  index.upsert(ids_from(0, 500), old.view());
  const Snapshot before = index.snapshot();
  const Rows rows = gaussian_rows(300, 5, 2);
  const Index next = Index::build(rows.view(), {.metric = Metric::euclidean});
  next.save(folder / "next.maxdot");
  index.replace(folder / "next.maxdot");
  const Rows query = gaussian_rows(3, 5, 3);
  CHECK(difference(index.search(query.view(), 10), next.search(query.view(), 10)) == "");
  CHECK(reader.refresh());
  CHECK_FALSE(reader.refresh());
  CHECK(difference(reader.search(query.view(), 10), next.search(query.view(), 10)) == "");
  CHECK(index.snapshot().info().metric == Metric::euclidean);
  CHECK(before.search(gaussian_rows(1, 8, 4).view(), 3).counts[0] == 3);
  CHECK(code_of([&] { index.upsert(ids_from(0, 500), old.view()); }) ==
        ErrorCode::invalid_argument);
  // The new one's items change as any others do.
  index.upsert(ids_from(7, 1), rows.view().rows == 0 ? rows.view() : gaussian_rows(1, 5, 9).view());
  CHECK(index.snapshot().size() == 300);
  index.compact();
  CHECK(reader.refresh());
  CHECK(reader.snapshot().size() == 300);
  std::size_t segments = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.path().extension() == ".maxdot") ++segments;
  CHECK(segments == 1);
}

TEST_CASE("what a LiveIndex refuses changes nothing") {
  const Folder folder;
  const std::string path = folder / "items";
  LiveIndex index = LiveIndex::create(path, 2);
  const std::vector<float> rows = {1, 2, 3, 4};
  const MatrixView two = MatrixView::f32(rows.data(), 2, 2);
  index.upsert(ids_from(0, 2), two);
  const std::uint64_t version = index.snapshot().version();

  const std::vector<float> nan = {1, std::nanf(""), 3, 4};
  CHECK(code_of([&] { index.upsert(ids_from(0, 2), MatrixView::f32(nan.data(), 2, 2)); }) ==
        ErrorCode::invalid_data);
  const std::vector<std::int64_t> twice = {5, 5};
  CHECK(code_of([&] { index.upsert(twice, two); }) == ErrorCode::invalid_data);
  const std::vector<std::int64_t> negative = {5, -1};
  CHECK(code_of([&] { index.upsert(negative, two); }) == ErrorCode::invalid_data);
  CHECK(code_of([&] { index.upsert(ids_from(0, 3), two); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { index.upsert(ids_from(0, 1), MatrixView::f32(rows.data(), 1, 3)); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] { index.replace(Index()); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { index.replace(folder / "none.maxdot"); }) == ErrorCode::io);
  CHECK(code_of([&] { index.refresh(); }) == ErrorCode::invalid_argument);
  // The items' order is a snapshot's; a merge of segments may change it while the version stays.
  const std::vector<std::uint8_t> mask = {1, 0};
  SearchOptions masked;
  masked.filters.item_mask = mask;
  SearchResult out = index.search(two, 1);
  const ResultView view = {out.ids.data(), out.scores.data(), out.counts.data()};
  const std::vector<double> zero = {0.0};
  CHECK(code_of([&] { index.search(two, 1, masked); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { index.search_into(two, 1, view, masked); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { index.search_multi(two, 1, 1, masked); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { index.search_multi_into(two, 1, 1, view, masked); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] { index.search_range(two, zero, masked); }) == ErrorCode::invalid_argument);
  CHECK(index.snapshot().search(two, 2, masked).counts[0] == 1);
  CHECK(index.upsert({}, MatrixView::f32(nullptr, 0, 2)).version == version);
  CHECK(index.remove({}).version == version);
  CHECK(index.snapshot().version() == version);
  CHECK(index.snapshot().size() == 2);

  check_refused([&] { LiveIndex::create(path, 2); }, ErrorCode::invalid_argument, path,
                "not empty");
  check_refused([&] { LiveIndex::open(path); }, ErrorCode::io, path, "open for writing already");
  check_refused([&] { LiveIndex::open(folder / "none"); }, ErrorCode::io, folder / "none",
                "does not exist; make it with create of LiveIndex");
  const std::string other = folder / "other";
  std::filesystem::create_directory(other);
  check_refused([&] { LiveIndex::open(other); }, ErrorCode::io, other, "is no LiveIndex");
  CHECK(code_of([&] { LiveIndex::create(folder / "b", 0); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { LiveIndex::create(folder / "b", 2, {}, {.fresh_items = 3}); }) ==
        ErrorCode::invalid_argument);
  LiveIndex reader = LiveIndex::open_read_only(path);
  CHECK(code_of([&] { reader.upsert(ids_from(0, 2), two); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { reader.remove(ids_from(0, 2)); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { reader.compact(); }) == ErrorCode::invalid_argument);
  const LiveIndex moved = std::move(reader);
  CHECK(code_of([&] { reader.snapshot(); }) == ErrorCode::invalid_argument);
  CHECK(moved.snapshot().size() == 2);
  CHECK(code_of([&] { Snapshot().search(two, 1); }) == ErrorCode::invalid_argument);
  CHECK(Snapshot().size() == 0);
}

TEST_CASE("segments large enough for codes, with dead items, beside an Index of what lives") {
  const Folder folder;
  for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
    for (const DType dtype : {DType::f32, DType::f16}) {
      Plan plan;
      plan.catalogue = {.metric = metric, .dtype = dtype};
      plan.live = {.fresh_items = 1000, .compact_in_background = false};
      plan.dimension = 24;
      plan.universe = 30'000;
      plan.writers = 1;
      LiveIndex index =
          LiveIndex::create(folder / (std::string(to_string(metric)) + to_string(dtype)),
                            plan.dimension, plan.catalogue, plan.live);
      Model model;
      // A large segment, two smaller ones, new items, and in all of them some that go.
      for (const std::size_t count :
           std::initializer_list<std::size_t>{20'000, 5000, 3000, 700, 700}) {
        Step step;
        step.ids = ids_from(static_cast<std::int64_t>(model.size() / 2), count);
        step.rows = count == 5000 ? generators()[3].make(count, plan.dimension, count)
                                  : gaussian_rows(count, plan.dimension, count);
        step.halves = to_halves(step.rows);
        if (dtype == DType::f16) {  // the model holds what is stored
          const Matrix widened = widen(step.halves, plan.dimension);
          step.rows.values.assign(
              static_cast<const float*>(widened.data()),
              static_cast<const float*>(widened.data()) + step.rows.values.size());
        }
        carry_out(step, plan, index);
        carry_out(step, model);
        Step gone;
        gone.kind = StepKind::remove;
        for (std::size_t i = 0; i < count; i += 7) gone.ids.push_back(step.ids[i]);
        carry_out(gone, plan, index);
        carry_out(gone, model);
      }
      CHECK(index.stats().segments == 3);
      CHECK(index.stats().dead_items > 0);
      for (std::uint64_t seed = 0; seed < 12; ++seed)
        CHECK(difference(index.snapshot(), model, plan, seed) == "");
      // As many queries as make a batch of any kind.
      const Rows queries = gaussian_rows(300, plan.dimension, 9);
      std::vector<std::int64_t> ids;
      std::vector<float> values;
      for (const auto& [id, row] : model) {
        ids.push_back(id);
        values.insert(values.end(), row.begin(), row.end());
      }
      const Index all = Index::build(MatrixView::f32(values.data(), ids.size(), plan.dimension),
                                     {.metric = metric, .ids = ids});
      for (const std::size_t k : std::initializer_list<std::size_t>{1, 10, 100})
        CHECK(difference(index.search(queries.view(), k), all.search(queries.view(), k)) == "");
    }
  }
}
