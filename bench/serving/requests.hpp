// What maxdot_load sends: whole HTTP requests, made before a run.
#pragma once

#include <string>
#include <vector>

#include "load_options.hpp"

namespace maxdot::load {

struct Address {
  std::string host;
  std::string port;
};

/// Of HOST:PORT. Throws tools::Failure (usage).
Address address_of(const std::string& server);

/// One request for each query, head and body. Throws Error (the file cannot be read) and
/// tools::Failure: usage (`text` has no QUERY), bad_data (rows that are no finite f32, or none).
std::vector<std::string> requests_of(const Options& options);

}  // namespace maxdot::load
