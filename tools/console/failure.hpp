// How a command fails: exit codes, and the exception that carries one.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "maxdot/error.hpp"

namespace maxdot::tools {

/// What the shell sees. Part of the interface: the help of every command lists them.
enum class ExitCode : int {
  ok = 0,
  check_failed = 1,   ///< `verify`, or `batch --verify-sample`
  usage = 2,          ///< a bad option or argument
  io = 3,             ///< a file cannot be read or written
  bad_data = 4,       ///< a file was read, but what it holds cannot be used
  unsupported = 5,    ///< a valid request that this version or machine cannot serve
  out_of_memory = 6,  ///< an allocation failed
  internal = 70,      ///< a defect of maxdot
  stopped = 75,       ///< by a signal, and the same command goes on (sysexits.h: EX_TEMPFAIL)
};

/// Its name in the JSON of an error: the enumerator's.
const char* name_of(ExitCode code) noexcept;

/// Ends a command. `what()` is the one line that main prints after "maxdot: error: ", and reads
/// "<file>: what is wrong; what to do".
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// Ends a command that the user stopped. Thrown after the signal, so that destructors remove
/// temporary files; main then dies of the same signal, which is what a shell expects.
struct Interrupted {
  int signal;
};

/// The exit code for an error of the library.
ExitCode exit_code_for(ErrorCode code) noexcept;

/// The library's error as a Failure, led by `file` if the message is not. `unsupported` is about
/// the machine or the version, and out_of_memory about the machine, so they stay as they are.
Failure blame(const Error& error, std::string_view file);

/// Runs `action` and blames `file` for what the library throws.
template <typename Action>
decltype(auto) blaming(std::string_view file, Action&& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw blame(error, file);
  }
}

/// "path: reason from errno", for a failed system call.
Failure io_failure(const std::string& path, const std::string& action, int error_number,
                   const std::string& remedy);

}  // namespace maxdot::tools
