#include "console/html_page.hpp"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "console/failure.hpp"
#include "console/files.hpp"

namespace maxdot::tools {
namespace {

/// The program, since Python would look into the folder that the command runs in first, where
/// anybody's maxdot.py may lie. Its exit code 5 says that there is no such package.
constexpr const char* kProgram =
    "import sys\n"
    "sys.path[:] = [folder for folder in sys.path if folder]\n"
    "try:\n"
    "    from maxdot.pages.__main__ import main\n"
    "except ImportError as error:\n"
    "    print(error, file=sys.stderr)\n"
    "    sys.exit(5)\n"
    "sys.exit(main() if len(sys.argv) > 1 else 0)\n";

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// A file in memory. Files, not pipes: neither program then waits for the other.
File memory_file() {
  const int descriptor = memfd_create("maxdot", MFD_CLOEXEC);
  File file(descriptor == -1 ? nullptr : fdopen(descriptor, "w+"), &std::fclose);
  if (!file)
    throw Failure(ExitCode::io, std::string("--html: no file in memory: ") + std::strerror(errno));
  return file;
}

std::string python() {
  const char* named = std::getenv("MAXDOT_PYTHON");
  return named != nullptr && *named != '\0' ? named : "python3";
}

struct Ended {
  int code = 0;        ///< as a shell gives it
  std::string reason;  ///< the last line on stderr
};

std::string last_line(std::FILE* file) {
  std::rewind(file);
  std::string text;
  std::array<char, 4096> part{};
  for (std::size_t read = 0; (read = std::fread(part.data(), 1, part.size(), file)) > 0;)
    text.append(part.data(), read);
  text.erase(text.find_last_not_of(" \r\n") + 1);
  return text.substr(text.find_last_of('\n') + 1);
}

/// Runs Python on kProgram; `input` is its stdin.
Ended run_python(const std::string& interpreter, const std::vector<std::string>& arguments,
                 std::FILE* input) {
  std::vector<std::string> words = {interpreter, "-c", kProgram};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const File errors = memory_file();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(input), 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(errors.get()), 1);
  posix_spawn_file_actions_adddup2(&actions, fileno(errors.get()), 2);
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, interpreter.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return {127, interpreter + ": " + std::strerror(failed)};
  int status = 0;
  while (waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          last_line(errors.get())};
}

}  // namespace

CLI::Option* add_html(CLI::App& command, std::optional<std::string>& path) {
  return command
      .add_option("--html", path,
                  "Also write the report as a page to look at; needs Python with maxdot[pages] "
                  "(python3, or what MAXDOT_PYTHON names)")
      ->type_name("FILE");
}

HtmlPage::HtmlPage(std::optional<std::string> path, const std::vector<std::string>& inputs)
    : path_(std::move(path)) {
  if (!path_) return;
  check_output(*path_, inputs);
  const std::string interpreter = python();
  const File nothing = memory_file();
  const Ended ended = run_python(interpreter, {}, nothing.get());
  if (ended.code == 0) return;
  throw Failure(ExitCode::unsupported,
                *path_ + ": --html needs maxdot.pages of Python, which " + interpreter +
                    " does not have; run pip install 'maxdot[pages]', or name another Python by "
                    "MAXDOT_PYTHON (" +
                    ended.reason + ")");
}

void HtmlPage::write(const Json& report) const {
  if (!path_) return;
  const File input = memory_file();
  const std::string text = report.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (std::fwrite(text.data(), 1, text.size(), input.get()) != text.size() ||
      std::fflush(input.get()) != 0) {
    throw io_failure(*path_, "keep its report in memory", errno, "free some memory");
  }
  std::rewind(input.get());
  const Ended ended = run_python(python(), {"-", "--out=" + *path_}, input.get());
  if (ended.code == 0) return;
  const bool is_io = ended.code == static_cast<int>(ExitCode::io);
  // A package of another version may not know this report.
  throw Failure(is_io ? ExitCode::io : ExitCode::unsupported,
                *path_ + ": the page was not written: " + ended.reason);
}

}  // namespace maxdot::tools
