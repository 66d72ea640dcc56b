// What the command line of maxdot_load says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace maxdot::load {

struct Options {
  std::string queries_path;
  std::string server = "127.0.0.1:8000";  ///< HOST:PORT
  std::string model = "items";
  std::string body = "binary";  ///< or json: the forms that maxdot-server takes
  std::string text;             ///< the body for another server; QUERY stands for the numbers
  std::string path;             ///< empty: that of `model`
  std::uint64_t k = 10;
  std::uint64_t queries = 512;
  std::vector<double> rates;     ///< [requests/s] to offer, one run each
  std::vector<double> percents;  ///< the same, of what the closed loop reached
  std::uint64_t seconds = 10;    ///< of a run
  std::uint64_t connections = 256;
  std::uint64_t closed_connections = 64;
  std::uint64_t patience = 30;  ///< [seconds] for answers after the last request was due
  std::uint64_t seed = 1;
  bool json = false;
};

/// Declares them on `app`. `options` holds the defaults and must outlive the parse.
void add_options(CLI::App& app, Options& options);

}  // namespace maxdot::load
