// maxdot serve: runs maxdot-server, which is a program of its own, in place of this one.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "commands/command.hpp"

namespace maxdot::tools {
namespace {

constexpr const char* kProgram = "maxdot-server";

[[noreturn]] void run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kProgram);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::error_code failed;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed) execv((own.parent_path() / kProgram).c_str(), argv.data());
  // Beside this program there is none, or it cannot be run.
  execvp(kProgram, argv.data());
  throw Failure(ExitCode::unsupported, std::string(kProgram) +
                                           ": cannot be run: " + std::strerror(errno) +
                                           "; build it with 'make server', or install it");
}

}  // namespace

void register_serve(CLI::App& app) {
  CLI::App& serve = *app.add_subcommand(
      "serve", "Run maxdot-server, with its arguments: 'maxdot serve --help' tells them");
  serve.set_help_flag();
  serve.prefix_command();
  serve.callback([&serve] { run(serve.remaining()); });
}

}  // namespace maxdot::tools
