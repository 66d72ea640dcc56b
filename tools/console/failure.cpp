#include "console/failure.hpp"

#include <cstring>

namespace maxdot::tools {

const char* name_of(ExitCode code) noexcept {
  switch (code) {
    case ExitCode::ok:
      return "ok";
    case ExitCode::check_failed:
      return "check_failed";
    case ExitCode::usage:
      return "usage";
    case ExitCode::io:
      return "io";
    case ExitCode::bad_data:
      return "bad_data";
    case ExitCode::unsupported:
      return "unsupported";
    case ExitCode::out_of_memory:
      return "out_of_memory";
    case ExitCode::stopped:
      return "stopped";
    case ExitCode::internal:
      break;
  }
  return "internal";
}

ExitCode exit_code_for(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::io:
      return ExitCode::io;
    case ErrorCode::invalid_argument:
    case ErrorCode::invalid_data:
    case ErrorCode::bad_format:
    case ErrorCode::checksum_mismatch:
      return ExitCode::bad_data;
    case ErrorCode::unsupported:
      return ExitCode::unsupported;
    case ErrorCode::out_of_memory:
      return ExitCode::out_of_memory;
    case ErrorCode::cancelled:   // only by a signal: InterruptGuard makes Interrupted of it
    case ErrorCode::overloaded:  // no command asks for these
    case ErrorCode::timeout:
      break;
  }
  return ExitCode::internal;
}

Failure blame(const Error& error, std::string_view file) {
  std::string message = error.what();
  const bool about_the_machine =
      error.code() == ErrorCode::unsupported || error.code() == ErrorCode::out_of_memory;
  if (!about_the_machine && message.rfind(std::string(file) + ":", 0) != 0) {
    message = std::string(file) + ": " + message;
  }
  return Failure(exit_code_for(error.code()), message);
}

Failure io_failure(const std::string& path, const std::string& action, int error_number,
                   const std::string& remedy) {
  return Failure(ExitCode::io,
                 path + ": cannot " + action + ": " + std::strerror(error_number) + "; " + remedy);
}

}  // namespace maxdot::tools
