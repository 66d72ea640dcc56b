// maxdot_load: an open-loop load generator for maxdot-server and other servers of one query a
// request (bench/README.md).
#include <CLI/CLI.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "console/exit.hpp"
#include "console/options.hpp"
#include "load_report.hpp"
#include "loops.hpp"

namespace maxdot::load {
namespace {

using tools::ExitCode;
using tools::Failure;
using tools::Json;

class Report {
 public:
  Report(const Options& options, std::size_t queries)
      : is_json_(options.json), document_(json_of(options, queries)) {
    document_["runs"] = Json::array();
    if (!is_json_) tools::print(table_head());
  }

  void add(Outcome&& outcome) {
    wrong_ += outcome.wrong;
    if (is_json_) {
      document_["runs"].push_back(json_of(outcome));
    } else {
      tools::print(table_row(outcome));
      tools::flush_output();
    }
  }

  /// Throws Failure (check_failed) if an answer differed.
  void end() {
    if (is_json_) tools::print_json(document_);
    tools::flush_output();
    if (wrong_ == 0) return;
    throw Failure(ExitCode::check_failed,
                  std::to_string(wrong_) +
                      " answers differ from what the server without load gave for the same query");
  }

 private:
  bool is_json_;
  Json document_;
  std::uint64_t wrong_ = 0;
};

void run(const Options& options) {
  check_rates(options.rates, options);
  Target target{address_of(options.server), requests_of(options), {}};
  target.answers = first_answers(target, options);
  Report report(options, target.requests.size());
  std::vector<double> rates = options.rates;
  if (rates.empty()) {
    Outcome closed = closed_loop(target, options);
    const double throughput = closed.answered_per_second();
    report.add(std::move(closed));
    for (const double percent : options.percents) rates.push_back(throughput * percent / 100);
    if (!rates.empty() && throughput == 0) {
      throw Failure(ExitCode::check_failed,
                    options.server + ": the closed loop got no answer within --seconds; give more");
    }
  }
  check_rates(rates, options);  // of --percent
  for (const double rate : rates) report.add(open_loop(target, options, rate));
  report.end();
}

int parse_and_run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Offers a server of one query a request a rate of requests, whatever its answers do (an open "
      "loop).\nLatencies count from when a request was due. Without --rate and --percent it "
      "measures "
      "the throughput alone.\nEach answer is compared with the first to the same query; exit code "
      "1: "
      "one differs.",
      "maxdot_load");
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    tools::print(app.help());
    tools::flush_output();
    return static_cast<int>(ExitCode::ok);
  } catch (const CLI::ParseError& error) {
    return tools::fail(ExitCode::usage, std::string(error.what()) + "; run 'maxdot_load --help'",
                       tools::Form::text);
  }
  run(options);
  return static_cast<int>(ExitCode::ok);
}

int exit_code_of(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (...) {
    return tools::fail_in_flight("out of memory; offer less, or for fewer --seconds",
                                 tools::Form::text);
  }
}

}  // namespace
}  // namespace maxdot::load

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a server or reader who has gone fails the write instead
  return maxdot::load::exit_code_of(argc, argv);
}
