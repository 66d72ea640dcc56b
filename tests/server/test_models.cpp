// Models by name, without a server around them.
#include <future>
#include <thread>

#include "console/failure.hpp"
#include "files.hpp"
#include "maxdot/index.hpp"
#include "refused.hpp"
#include "server/models/models.hpp"

namespace maxdot::server {
namespace {

using maxdot::test::Folder;

Index index_of(float value, std::size_t items = 3) {
  std::vector<float> rows(items * 2, value);
  rows[1] += 1.0F;
  return Index::build(MatrixView::f32(rows.data(), items, 2), {.metric = Metric::dot});
}

const auto unobserved = [](const std::string&) { return BatchObserver(); };

struct Answer {
  SearchResult result;
  std::string version;
};

Answer ask(Model& model) {
  const float query[] = {1.0F, 0.5F};
  std::promise<Answer> promise;
  model.submit(MatrixView::f32(query, 1, 2), 2, {},
               [&](SearchResult&& result, const std::string& version, const Error* error) {
                 CHECK(error == nullptr);
                 promise.set_value({std::move(result), version});
               });
  return promise.get_future().get();
}

TEST_CASE("names of models are those of files, each of one file") {
  const Folder folder;
  const std::string a = folder.put("a.maxdot", "");
  const std::string b = folder.put("b.index", "");
  CHECK(Sources({a, b}).files() == std::map<std::string, std::string>{{"a", a}, {"b.index", b}});
  std::filesystem::create_directory(folder / "more");
  const std::string other = folder.put("more/a.maxdot", "");
  const std::string third = folder.put("more/c.maxdot", "");
  folder.put("more/note.txt", "");
  folder.put("more/.maxdot", "");
  std::filesystem::create_directory(folder / "more/d.maxdot");
  CHECK_THROWS_AS(Sources({a, other}), tools::Failure);
  CHECK_THROWS_AS(Sources({folder / "missing"}), tools::Failure);
  CHECK_THROWS_AS(Sources({folder / "more/.maxdot"}), tools::Failure);
  const Sources both({a, folder / "more"});
  CHECK(both.files().size() == 1);
  CHECK(both.all() == std::map<std::string, std::string>{{"a", a}, {"c", third}});
}

TEST_CASE("a name that is no UTF-8 becomes one that protocols can carry") {
  const Folder folder;
  const std::string odd = folder.put("a\xff.maxdot", "");
  using Found = std::map<std::string, std::string>;
  CHECK(Sources({odd}).files() == Found{{"a\xef\xbf\xbd", odd}});
  CHECK(Sources({folder / "."}).all() == Found{{"a\xef\xbf\xbd", folder / "./a\xff.maxdot"}});
}

TEST_CASE("a model answers with the version that it names, while it is replaced") {
  const Folder folder;
  const std::string path = folder / "m.maxdot";
  Log log(Level::error);
  const Index first = index_of(1.0F);
  const Index second = index_of(2.0F);
  const std::uint64_t sum = second.save(path);
  Models models(Sources({path}), {}, unobserved, LiveAccess::write, Load::memory, log);
  models.load_all();
  const std::string version_of_second = models.find("m", "")->info().version;
  CHECK(version_of_second.size() == 16);
  CHECK(std::stoull(version_of_second, nullptr, 16) == sum);
  first.save(path);
  models.load("m");
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!over) {
        const Answer answer = ask(*models.find("m", ""));
        const double best = answer.version == version_of_second ? 3.5 : 2.0;
        if (answer.result.scores.at(0) != best) ++wrong;
      }
    });
  }
  for (int turn = 0; turn < 50; ++turn) {
    (turn % 2 == 0 ? second : first).save(path);
    models.load("m");
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(models.list().at(0).loads == 52);
}

TEST_CASE("a file that cannot be used leaves what was loaded") {
  const Folder folder;
  const std::string path = folder / "m.maxdot";
  Log log(Level::error);
  index_of(1.0F).save(path);
  Models models(Sources({path}), {}, unobserved, LiveAccess::write, Load::memory, log);
  models.load_all();
  const std::string version = models.find("m", "")->info().version;
  folder.put("m.maxdot", "nonsense");
  CHECK_THROWS_AS(models.load("m"), Error);
  models.refresh(false);
  models.refresh(true);
  CHECK(models.find("m", version)->info().version == version);
  CHECK(models.list().at(0).reason.find("m.maxdot") != std::string::npos);
  CHECK(models.list().at(0).failed_loads == 2);  // by load, and by the refresh of all
  index_of(2.0F).save(path);
  models.refresh(false);
  CHECK(models.find("m", "")->info().version != version);
  CHECK(models.list().at(0).reason.empty());
  test::check_refused([&] { models.find("m", version); }, Code::not_found, "no version");
}

TEST_CASE("what was unloaded stays so until it is loaded") {
  const Folder folder;
  Log log(Level::error);
  index_of(1.0F).save(folder / "m.maxdot");
  Models models(Sources({folder / "."}), {}, unobserved, LiveAccess::write, Load::memory, log);
  models.load_all();
  models.unload("m");
  index_of(2.0F).save(folder / "m.maxdot");
  models.refresh(false);
  models.refresh(true);
  test::check_refused([&] { models.find("m", ""); }, Code::unavailable, "unloaded");
  test::check_refused([&] { models.unload("n"); }, Code::not_found, "'n'");
  test::check_refused([&] { models.load("n"); }, Code::not_found, "'n'");
  models.load("m");
  CHECK(ask(*models.find("m", "")).result.counts.at(0) == 2);
  models.close();
  test::check_refused([&] { models.find("m", ""); }, Code::not_found, "'m'");
}

TEST_CASE("what was unloaded is loaded again when no request has it any more") {
  const Folder folder;
  const std::string path = folder / "live";
  (void)LiveIndex::create(path, 2);
  Log log(Level::error);
  Models models(Sources({path}), {}, unobserved, LiveAccess::write, Load::memory, log);
  models.load_all();
  std::thread request([held = models.find("live", "")]() mutable {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    held.reset();
  });
  models.unload("live");
  CHECK_NOTHROW(models.load("live"));
  CHECK(models.find("live", "")->writable() != nullptr);
  request.join();
}

TEST_CASE("an index without items is a model, too") {
  const Folder folder;
  Log log(Level::error);
  Index::build(MatrixView::f32(nullptr, 0, 2)).save(folder / "m.maxdot");
  Models models(Sources({folder / "m.maxdot"}), {}, unobserved, LiveAccess::write, Load::memory,
                log);
  models.load_all();
  CHECK(ask(*models.find("m", "")).result.counts.at(0) == 0);
}

TEST_CASE("loads end when they are told to") {
  const Folder folder;
  Log log(Level::error);
  index_of(1.0F).save(folder / "m.maxdot");
  Models models(Sources({folder / "m.maxdot"}), {}, unobserved, LiveAccess::write, Load::memory,
                log);
  models.cancel();
  CHECK_THROWS_AS(models.load_all(), Error);
}

TEST_CASE("a LiveIndex folder is a model, whatever way leads to it") {
  const Folder folder;
  const std::string path = folder / "live";
  (void)LiveIndex::create(path, 2, {.metric = Metric::dot});
  folder.put("live.maxdot", "");
  using Found = std::map<std::string, std::string>;
  CHECK(Sources({path}).files() == Found{{"live", path}});
  CHECK(Sources({path + "/"}).files() == Found{{"live", path + "/"}});
  // Its segments are no models, and an index file of its name comes first.
  CHECK(Sources({path}).all() == Found{{"live", path}});
  CHECK(Sources({folder / "."}).all().at("live") == folder / "./live.maxdot");
  CHECK_THROWS_AS(Sources({path, folder / "live.maxdot"}), tools::Failure);
  // A folder that becomes one later.
  std::filesystem::create_directory(folder / "later");
  const Sources later({folder / "later"});
  CHECK(later.all().empty());
  (void)LiveIndex::create(folder / "later", 2);
  CHECK(later.all() == Found{{"later", folder / "later"}});
}

TEST_CASE("a LiveIndex answers with a version that its answer has") {
  const Folder folder;
  const std::string path = folder / "live";
  (void)LiveIndex::create(path, 2, {.metric = Metric::dot});
  Log log(Level::error);
  Models models(Sources({path}), {}, unobserved, LiveAccess::write, Load::memory, log);
  models.load_all();
  const std::shared_ptr<Model> model = models.find("live", "");
  REQUIRE(model->writable() != nullptr);
  const std::int64_t ids[] = {5, 6};
  const float rows[] = {1.0F, 0.0F, 0.0F, 1.0F};
  const Change change = model->writable()->upsert(ids, MatrixView::f32(rows, 2, 2));
  const Answer answer = ask(*model);
  CHECK(std::stoull(answer.version) >= change.version);
  CHECK(answer.result.ids == std::vector<std::int64_t>{5, 6});
  CHECK(model->info().items == 2);
  CHECK(model->info().version == std::to_string(change.version));

  // Another process would read it.
  Models readers(Sources({path}), {}, unobserved, LiveAccess::read, Load::memory, log);
  readers.load_all();
  const std::shared_ptr<Model> reader = readers.find("live", "");
  CHECK(reader->live() != nullptr);
  CHECK(reader->writable() == nullptr);
  model->writable()->remove(std::span(ids).first(1));
  CHECK(ask(*reader).result.ids.at(0) == 5);
  readers.refresh(false);
  CHECK(ask(*reader).result.ids == std::vector<std::int64_t>{6, -1});
  CHECK(readers.list().at(0).loads == 1);
}

TEST_CASE("a name may go from an index file to a LiveIndex and back") {
  const Folder folder;
  (void)LiveIndex::create(folder / "m", 2, {.metric = Metric::dot});
  Log log(Level::error);
  Models models(Sources({folder / "."}), {}, unobserved, LiveAccess::write, Load::memory, log);
  models.load_all();
  CHECK(models.find("m", "")->live() != nullptr);
  (void)index_of(1.0F).save(folder / "m.maxdot");
  models.refresh(false);
  CHECK(models.find("m", "")->live() == nullptr);
  CHECK(models.find("m", "")->info().items == 3);
  std::filesystem::remove(folder / "m.maxdot");
  models.refresh(false);
  CHECK(models.find("m", "")->live() != nullptr);
}

}  // namespace
}  // namespace maxdot::server
