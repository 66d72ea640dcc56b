// The `maxdot-server` command: options in, exit code out.
#include <CLI/CLI.hpp>
#include <csignal>
#include <new>

#include "console/console.hpp"
#include "console/failure.hpp"
#include "console/options.hpp"
#include "maxdot/error.hpp"
#include "server/server.hpp"

namespace maxdot::server {
namespace {

using tools::ExitCode;

int fail(ExitCode code, std::string_view message) noexcept {
  tools::print_error(message);
  return static_cast<int>(code);
}

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
    return fail(ExitCode::usage, std::string(error.what()) + "; run 'maxdot-server --help'");
  }
  return serve(options);
}

int exit_code_of(int argc, char** argv) {
  try {
    return parse_and_serve(argc, argv);
  } catch (const tools::Failure& failure) {
    return fail(failure.code(), failure.what());
  } catch (const Error& error) {
    return fail(tools::exit_code_for(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::out_of_memory, "out of memory; free some, or serve less");
  } catch (const std::exception& defect) {
    return fail(ExitCode::internal,
                std::string("internal error: ") + defect.what() + "; please report it");
  }
}

}  // namespace
}  // namespace maxdot::server

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a client who has gone fails the write instead
  return maxdot::server::exit_code_of(argc, argv);
}
