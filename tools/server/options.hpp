// What the command line and the configuration file say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "maxdot/batcher.hpp"
#include "server/base/log.hpp"
#include "server/base/tls_files.hpp"
#include "server/infer/infer_request.hpp"
#include "server/models/live_model.hpp"

namespace CLI {
class App;
}

namespace maxdot::server {

struct Options {
  std::vector<std::string> models;
  std::string address = "127.0.0.1";
  std::uint64_t grpc_port = 8001;
  std::uint64_t http_port = 8000;
  std::uint64_t threads = 0;
  std::uint64_t most_waiting = 4'096;
  bool live_read_only = false;
  Load load = Load::memory;  // a file that is overwritten must not end a server
  Limits limits;
  std::uint64_t most_connections = 1'024;
  std::uint64_t client_timeout = 30;  // [seconds]
  std::uint64_t drain_delay = 0;      // [seconds]
  std::uint64_t drain_timeout = 30;   // [seconds]
  TlsFiles tls;
  std::string read_token;
  std::string write_token;
  std::string log_level = "info";
  bool check_config = false;

  BatcherOptions batcher() const;
  LiveAccess live_access() const noexcept {
    return live_read_only ? LiveAccess::read : LiveAccess::write;
  }
};

/// Declares them on `app`. `options` holds the defaults and must outlive the parse.
void add_options(CLI::App& app, Options& options);

}  // namespace maxdot::server
