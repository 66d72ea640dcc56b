// The `maxdot-server` command: options in, exit code out.
#include <CLI/CLI.hpp>
#include <csignal>

#include "console/console.hpp"
#include "console/exit.hpp"
#include "console/options.hpp"
#include "server/server.hpp"

namespace maxdot::server {
namespace {

using tools::ExitCode;

int serve(const Options& options) {
  (void)tools::kernel_in_use();
  if (options.check_config) {
    check(options);
    tools::print("ok\n");
  } else {
    server::run(options);
  }
  tools::flush_output();
  return static_cast<int>(ExitCode::ok);
}

int parse_and_serve(int argc, char** argv) {
  Options options;
  CLI::App app("Serves the exact top-k of index files by the Open Inference Protocol, version 2.",
               "maxdot-server");
  app.set_version_flag("--version", "maxdot-server " MAXDOT_VERSION);
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    tools::print(app.help());
    tools::flush_output();
    return static_cast<int>(ExitCode::ok);
  } catch (const CLI::CallForVersion& version) {
    tools::print(std::string(version.what()) + "\n");
    tools::flush_output();
    return static_cast<int>(ExitCode::ok);
  } catch (const CLI::ParseError& error) {
    return tools::fail(ExitCode::usage, std::string(error.what()) + "; run 'maxdot-server --help'",
                       tools::Form::text);
  }
  return serve(options);
}

int exit_code_of(int argc, char** argv) {
  try {
    return parse_and_serve(argc, argv);
  } catch (...) {
    return tools::fail_in_flight("out of memory; free some, or serve less", tools::Form::text);
  }
}

}  // namespace
}  // namespace maxdot::server

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a client who has gone fails the write instead
  maxdot::tools::tell_of_memory_on_terminate();
  return maxdot::server::exit_code_of(argc, argv);
}
