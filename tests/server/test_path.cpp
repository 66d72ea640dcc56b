// The paths of HTTP.
#include <doctest/doctest.h>

#include "server/http/path.hpp"

namespace maxdot::server {
namespace {

void check_path(const char* target, Action action, const char* model = "",
                const char* version = "") {
  INFO(target);
  const auto path = path_of(target);
  REQUIRE(path.has_value());
  CHECK(path->action == action);
  CHECK(path->model == model);
  CHECK(path->version == version);
}

TEST_CASE("each path of the protocol is known") {
  check_path("/metrics", Action::metrics);
  check_path("/v2", Action::server_metadata);
  check_path("/v2/", Action::server_metadata);
  check_path("/v2?x=/y", Action::server_metadata);
  check_path("/v2/health/live", Action::live);
  check_path("/v2/health/ready", Action::ready);
  check_path("/v2/models/a", Action::model_metadata, "a");
  check_path("/v2/models/a/versions/7", Action::model_metadata, "a", "7");
  check_path("/v2/models/a/ready", Action::model_ready, "a");
  check_path("/v2/models/a/versions/7/ready", Action::model_ready, "a", "7");
  check_path("/v2/models/a/config", Action::model_config, "a");
  check_path("/v2/models/a/infer", Action::infer, "a");
  check_path("/v2/models/a/versions/7/infer", Action::infer, "a", "7");
  check_path("/v2/repository/index", Action::index);
  check_path("/v2/repository/models/a/load", Action::load, "a");
  check_path("/v2/repository/models/a/unload", Action::unload, "a");
  check_path("/v1/models/a", Action::catalogue_version, "a");
  check_path("/v1/models/a/", Action::catalogue_version, "a");
  check_path("/v1/models/a/stats", Action::catalogue_stats, "a");
  check_path("/v1/models/a/upsert", Action::upsert, "a");
  check_path("/v1/models/a%2Fb/remove", Action::remove, "a/b");
}

TEST_CASE("a name may hold any character, written with %") {
  check_path("/v2/models/a%2Fb%20c%25/infer", Action::infer, "a/b c%");
  check_path("/v2/models/%C3%A9", Action::model_metadata, "\xc3\xa9");
  check_path("/v2/models/versions/versions/versions", Action::model_metadata, "versions",
             "versions");
}

TEST_CASE("what changes something is asked for by POST") {
  for (const Action action : {Action::load, Action::unload, Action::upsert, Action::remove}) {
    CHECK(changes(action));
    CHECK(method_of(action) == std::string("POST"));
  }
  for (const Action action : {Action::infer, Action::index, Action::catalogue_stats,
                              Action::catalogue_version, Action::metrics, Action::model_metadata})
    CHECK_FALSE(changes(action));
}

TEST_CASE("other paths are none") {
  for (const char* target : {"",
                             "v2",
                             "/",
                             "//",
                             "/v1",
                             "/v1/models",
                             "/v1/models/a/infer",
                             "/v1/models/a/upsert/b",
                             "/v1/repository/index",
                             "/v2/models/a/upsert",
                             "/v2x",
                             "/metrics/x",
                             "/v2/models",
                             "/v2/models/a/b",
                             "/v2/models/a/infer/b",
                             "/v2/models/a/versions",
                             "/v2/models/a/versions/7/infer/x",
                             "/v2/health",
                             "/v2/health/x",
                             "/v2/repository",
                             "/v2/repository/x",
                             "/v2/repository/models/a",
                             "/v2/repository/models/a/drop",
                             "/v2/models/%",
                             "/v2/models/%4",
                             "/v2/models/%zz",
                             "/v2/models/%-1",
                             "*",
                             "http://x/v2"}) {
    INFO(target);
    CHECK_FALSE(path_of(target).has_value());
  }
}

}  // namespace
}  // namespace maxdot::server
