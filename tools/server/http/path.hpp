// The paths of the protocol, and those of catalogues.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace maxdot::server {

enum class Action {
  live,
  ready,
  server_metadata,
  model_metadata,
  model_ready,
  model_config,
  infer,
  index,
  load,
  unload,
  catalogue_version,
  catalogue_stats,
  upsert,
  remove,
  metrics
};

struct Path {
  Action action = Action::live;
  std::string model;    ///< empty where the action is about none
  std::string version;  ///< empty: any
};

/// `target` is a path with or without a query, which no path here has a use for. Nothing: there is
/// no such path.
std::optional<Path> path_of(std::string_view target);

/// Whether it changes what is served.
bool changes(Action action) noexcept;

/// "GET" or "POST".
const char* method_of(Action action) noexcept;

}  // namespace maxdot::server
