#include "server/options.hpp"

#include <CLI/CLI.hpp>

#include "console/options.hpp"

namespace maxdot::server {
namespace {

constexpr std::uint64_t kMostPort = 65'535;
// [seconds]
constexpr std::uint64_t kDay = 86'400;

void add_limits(CLI::App& app, Options& options) {
  using tools::add_number;
  // gRPC and Beast count the bytes of a message in 32 bits with a sign.
  add_number(app, "--max-message-bytes", options.limits.message_bytes, 1'024, 2'147'483'647,
             "Bytes of a request, and of an answer's tensors, at most");
  add_number(app, "--max-k", options.limits.k, 1, tools::max_k, "Results per query, at most");
  add_number(app, "--max-queries", options.limits.queries, 1, 1'048'576,
             "Queries of a request, at most");
  add_number(app, "--max-items", options.limits.items, 1, 16'777'216,
             "Items that a request may put in or remove, at most");
  add_number(app, "--max-waiting", options.most_waiting, 1, 1'048'576,
             "Queries of a model that wait for a search, at most; more are refused at once");
  add_number(app, "--max-connections", options.most_connections, 1, 1'048'576,
             "HTTP connections at a time; more are closed at once");
  add_number(app, "--client-timeout", options.client_timeout, 1, kDay,
             "Seconds in which an HTTP client must send a request and take its answer; an idle "
             "connection is closed after them, too, and one to gRPC that says nothing");
}

void add_security(CLI::App& app, Options& options) {
  CLI::Option* certificate = tools::add_file(app, "--tls-cert", options.tls.certificate,
                                             "Certificate chain (PEM): both protocols use TLS");
  CLI::Option* key = tools::add_file(app, "--tls-key", options.tls.key, "Its private key (PEM)");
  certificate->needs(key);
  key->needs(certificate);
  tools::add_file(app, "--tls-client-ca", options.tls.client_ca,
                  "Certificates (PEM); clients must show one that these have signed")
      ->needs(certificate);
  tools::add_file(app, "--read-token-file", options.read_token,
                  "A bearer token that every request but health needs");
  tools::add_file(app, "--write-token-file", options.write_token,
                  "A bearer token that changes need: of items, loading and unloading");
}

}  // namespace

BatcherOptions Options::batcher() const {
  BatcherOptions batcher;
  batcher.most_waiting_queries = most_waiting;
  batcher.threads = static_cast<int>(threads);
  return batcher;
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("models", options.models,
                 "Index files, each the model named like the file without .maxdot, folders of a "
                 "LiveIndex, each the model named like the folder, and folders of these")
      ->required()
      ->type_name("PATH");
  app.add_option("--listen", options.address, "The address to listen on")
      ->type_name("ADDRESS")
      ->capture_default_str();
  tools::add_number(app, "--grpc-port", options.grpc_port, 0, kMostPort,
                    "Port of gRPC; 0: any free one, which the log names");
  tools::add_number(app, "--http-port", options.http_port, 0, kMostPort, "Port of HTTP, likewise");
  tools::add_threads(app, options.threads);
  tools::add_load(app, options.load);
  app.add_flag("--live-read-only", options.live_read_only,
               "Take no changes: another process writes the LiveIndex folders, and its changes are "
               "looked for every second");
  add_limits(app, options);
  add_security(app, options);
  tools::add_number(app, "--drain-delay", options.drain_delay, 0, kDay,
                    "After SIGTERM, seconds as 'not ready' in which requests are still taken");
  tools::add_number(app, "--drain-timeout", options.drain_timeout, 0, kDay,
                    "Seconds after these in which what is under way may finish");
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->type_name("LEVEL")
      ->capture_default_str();
  app.set_config("--config", "", "Read options from a TOML file: max-k = 100")->type_name("FILE");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_flag("--check-config", options.check_config,
               "Check the options, files and indexes, and exit")
      ->configurable(false);
  tools::add_footer(app, "maxdot-server items.maxdot --grpc-port 8001 --http-port 8000");
}

}  // namespace maxdot::server
