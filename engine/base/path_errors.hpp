// Errors that name a file, and what every function that takes a path has: a frame and a check.
#pragma once

#include <string>

#include "base/entry.hpp"
#include "maxdot/error.hpp"

namespace maxdot::base {

/// Throws Error (io): the path, then `what`.
[[noreturn]] void fail(const std::string& path, const std::string& what);

/// The same where what the system would say, `error`, is told in words of our own.
[[noreturn]] void fail_as(const std::string& path, const std::string& what, int error);

/// The same with the system's own words.
[[noreturn]] void fail_errno(const std::string& path, const std::string& what, int error);

/// Throws error.about(path), or `error` itself if there is no memory for that.
[[noreturn]] void throw_about(const Error& error, const std::string& path);

/// Throws Error (invalid_argument) for a path that holds a NUL: the system would see only what
/// stands before it.
void check_path(const std::string& path);

/// Runs `call` as an entry point of the library does (base/entry.hpp), one that `stop` may end.
/// Every Error that leaves it has the path (Error::path). Memory that runs out in it is an Error
/// that names the path and what was being done ("open the index").
template <typename Call>
auto file_entry(const StopOptions& stop, const std::string& path, const char* what, Call&& call) {
  try {
    return entry(
        stop, [&] { return path + ": not enough memory to " + what; }, call);
  } catch (const Error& error) {
    if (error.path().empty()) throw_about(error, path);
    throw;
  }
}

/// The same for a call that nothing ends early.
template <typename Call>
auto file_entry(const std::string& path, const char* what, Call&& call) {
  return file_entry({}, path, what, call);
}

}  // namespace maxdot::base
