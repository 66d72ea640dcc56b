// Changes of items, on an executor that runs when the test says so.
#include <boost/asio/io_context.hpp>
#include <map>
#include <optional>

#include "files.hpp"
#include "refused.hpp"
#include "server/service/catalogues.hpp"

namespace maxdot::server {
namespace {

using maxdot::test::Folder;

struct Fixture {
  Fixture() {
    (void)LiveIndex::create(folder / "live", 2, {.metric = Metric::dot});
    models.emplace(
        Sources({folder / "live"}), BatcherOptions{},
        [this](const std::string& model) { return metrics.observer_of(model); }, LiveAccess::write,
        Load::memory, log);
    models->load_all();
    catalogues.emplace(*models, metrics, tokens, log, Limits{}, io.get_executor());
  }

  // Counts the answer by its code.
  void upsert(double deadline = 0.0) {
    const auto decode = [this, deadline] {
      const std::int64_t id = next++;
      WriteRequest request;
      request.model = "live";
      request.deadline = deadline;
      request.inputs.push_back(
          {"ids", DataType::int64, {1}, Elements::own(std::vector<std::int64_t>{id})});
      request.inputs.push_back(
          {"rows", DataType::fp32, {1, 2}, Elements::own(std::vector<float>{1.0F, 2.0F})});
      return request;
    };
    catalogues->write(Protocol::http, WriteKind::upsert, "", decode,
                      [this](const Change& change, const RequestError* error) {
                        ++answers[error == nullptr ? "ok" : to_string(error->code())];
                        if (error == nullptr) CHECK(change.items == 1);
                      });
  }

  Folder folder;
  Log log{Level::error};
  Tokens tokens{"", "", false};
  Metrics metrics;
  std::optional<Models> models;
  boost::asio::io_context io;
  std::optional<Catalogues> catalogues;
  std::map<std::string, int> answers;
  std::int64_t next = 0;
};

TEST_CASE("changes beyond those that may wait are refused at once") {
  Fixture with;
  using Answers = std::map<std::string, int>;
  for (int i = 0; i < 70; ++i) with.upsert();
  CHECK(with.answers == Answers{{"overloaded", 6}});
  with.io.run();
  CHECK(with.answers == Answers{{"ok", 64}, {"overloaded", 6}});
  CHECK(with.catalogues->snapshot("live", "").size() == 64);
  // There is room again.
  with.upsert();
  with.io.restart();
  with.io.run();
  CHECK(with.answers.at("ok") == 65);
  CHECK(with.catalogues->stats("live", "").items == 65);
}

TEST_CASE("a change whose deadline is over before it begins is not made") {
  Fixture with;
  with.upsert(1e-9);
  with.upsert(1e9);
  with.io.run();
  CHECK(with.answers == std::map<std::string, int>{{"ok", 1}, {"timeout", 1}});
  CHECK(with.catalogues->snapshot("live", "").size() == 1);
}

TEST_CASE("a change that waits is made although its model is unloaded meanwhile") {
  Fixture with;
  with.upsert();
  with.models->unload("live");
  with.upsert();
  with.io.run();
  CHECK(with.answers == std::map<std::string, int>{{"ok", 1}, {"unavailable", 1}});
  with.models->load("live");
  CHECK(with.catalogues->snapshot("live", "").size() == 1);
}

}  // namespace
}  // namespace maxdot::server
