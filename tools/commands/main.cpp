// The `maxdot` command: a table of sub-commands, and the one place where failures become exit
// codes.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

#include "commands/command.hpp"
#include "console/exit.hpp"

namespace maxdot::tools {
namespace {

constexpr std::array register_commands = {register_build,    register_search, register_batch,
                                          register_evaluate, register_info,   register_verify_file,
                                          register_verify,   register_serve};

// If the shell closed a standard stream, the next file that opens would take its number and receive
// our output. Each gets a placeholder on which the wrong direction fails, as it should.
void occupy_standard_streams() {
  for (const int stream : {0, 1, 2}) {
    if (fcntl(stream, F_GETFD) == -1) open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
  }
}

std::string help_hint(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return "run 'maxdot " + (commands.empty() ? "" : commands.front()->get_name() + " ") + "--help'";
}

/// Looked up in the arguments themselves: an error in them must know it, too.
Form form_of(int argc, char** argv) {
  const auto is_json = [](const char* argument) {
    return std::string_view(argument) == "--json" || std::string_view(argument) == "--json=true";
  };
  return std::any_of(argv + 1, argv + argc, is_json) ? Form::json : Form::text;
}

int parse_error(const CLI::App& app, const CLI::ParseError& error, Form form) {
  std::string message = error.what();
  if (const auto extras = app.remaining(true);
      dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !extras.empty()) {
    const std::string& first = extras.front();
    const bool is_option = first.size() > 1 && first.front() == '-';
    const bool is_command = !is_option && app.get_subcommands().empty();
    message = (is_command  ? "unknown command '"
               : is_option ? "unknown option '"
                           : "unexpected argument '") +
              first + "'";
  }
  return fail(ExitCode::usage, message + "; " + help_hint(app), form);
}

// Runs the parse, whose callbacks run the command.
int parse_and_run(CLI::App& app, int argc, char** argv, Form form) {
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) print(app.help());
  } catch (const CLI::CallForHelp&) {
    const auto commands = app.get_subcommands();
    print(commands.empty() ? app.help() : commands.front()->help("maxdot"));
  } catch (const CLI::CallForVersion& version) {
    print(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    return parse_error(app, error, form);
  }
  return static_cast<int>(ExitCode::ok);
}

int run(int argc, char** argv) {
  const Form form = argc > 1 ? form_of(argc, argv) : Form::text;
  try {
    CLI::App app("Exact top-k search over embeddings.", "maxdot");
    app.set_version_flag("--version", "maxdot " MAXDOT_VERSION);
    app.require_subcommand(0, 1);
    add_footer(
        app,
        "maxdot build items.npy -o items.maxdot\n  maxdot search items.maxdot queries.npy -k 10");
    for (const auto register_command : register_commands) register_command(app);
    const int code = parse_and_run(app, argc, argv, form);
    flush_output();
    return code;
  } catch (...) {
    return fail_in_flight("out of memory; free some, or ask for less at once", form);
  }
}

}  // namespace
}  // namespace maxdot::tools

int main(int argc, char** argv) {
  // Both then fail the write instead, which knows what to remove and what to say.
  std::signal(SIGPIPE, SIG_IGN);  // a reader who leaves
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond `ulimit -f`
  maxdot::tools::tell_of_memory_on_terminate();
  maxdot::tools::occupy_standard_streams();
  return maxdot::tools::run(argc, argv);
}
