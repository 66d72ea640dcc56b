#include "load_options.hpp"

#include <CLI/CLI.hpp>
#include <cmath>

#include "console/options.hpp"

namespace maxdot::load {
namespace {

constexpr std::uint64_t kDay = 86'400;  // [seconds]

// Finite and above 0.
CLI::Option* add_rates(CLI::App& app, const std::string& name, std::vector<double>& rates,
                       const std::string& description) {
  return app.add_option(name, rates, description)
      ->type_name("NUMBER")
      ->check([](const std::string& text) {
        double value = 0;
        const bool is_number = CLI::detail::lexical_cast(text, value);
        if (is_number && std::isfinite(value) && value > 0) return std::string();
        return "'" + text + "' is no number above 0";
      });
}

}  // namespace

void add_options(CLI::App& app, Options& options) {
  using tools::add_number;
  tools::add_file(app, "queries", options.queries_path,
                  "A matrix of f32 queries (.npy, .fvecs, .fbin); each request has one of them")
      ->required();
  app.add_option("--server", options.server, "Who answers HTTP/1.1 there")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--model", options.model, "A model of maxdot-server")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--body", options.body, "How maxdot-server is asked: binary (tensors) or json")
      ->check(CLI::IsMember({"binary", "json"}))
      ->type_name("FORM")
      ->capture_default_str();
  CLI::Option* text =
      app.add_option("--text", options.text,
                     "Ask another server: the body, in which QUERY stands for the numbers")
          ->type_name("TEXT");
  CLI::Option* path =
      app.add_option("--path", options.path, "The path of the other server")->type_name("PATH");
  text->needs(path);
  path->needs(text);
  tools::add_k(app, options.k);
  add_number(app, "--queries", options.queries, 1, 1'048'576,
             "How many of the first queries of the file are asked, at most");
  CLI::Option* rates = add_rates(app, "--rate", options.rates,
                                 "Requests a second to offer; several numbers: a run for each");
  CLI::Option* percents =
      add_rates(app, "--percent", options.percents,
                "The same, in percent of the throughput of a closed loop, which is measured first");
  rates->excludes(percents);
  add_number(app, "--seconds", options.seconds, 1, kDay, "Seconds of a run");
  add_number(app, "--connections", options.connections, 1, 65'535,
             "Connections of a run; each has one request at a time");
  add_number(app, "--closed-connections", options.closed_connections, 1, 65'535,
             "Connections of the closed loop; each asks again as soon as it has its answer");
  add_number(app, "--patience", options.patience, 1, kDay,
             "Seconds to wait for answers after the last request of a run was due");
  add_number(app, "--seed", options.seed, 0, UINT64_MAX, "Of the times at which requests are due");
  tools::add_json(app, options.json);
  tools::add_footer(app, "maxdot_load queries.npy --server 127.0.0.1:8000 --percent 10 50 90 150");
}

}  // namespace maxdot::load
