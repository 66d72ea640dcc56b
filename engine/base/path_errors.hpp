// Errors that name a file, and the check of a path that every function taking one makes.
#pragma once

#include <string>

#include "base/entry.hpp"

namespace maxdot::base {

/// Throws Error (io): the path, then `what`.
[[noreturn]] void fail(const std::string& path, const std::string& what);

/// The same with the system's reason.
[[noreturn]] void fail_errno(const std::string& path, const std::string& what, int error);

/// Throws Error (invalid_argument) for a path that holds a NUL: the system would see only what
/// stands before it.
void check_path(const std::string& path);

/// Runs `call` as an entry point of the library does (base/entry.hpp). Memory that runs out in it
/// is an Error that names the path and what was being done ("open the index").
template <typename Call>
auto with_memory_for(const std::string& path, const char* what, Call&& call) {
  return entry([&] { return path + ": not enough memory to " + what; }, call);
}

/// The same for a call that `stop` may end.
template <typename Call>
auto with_memory_for(const StopOptions& stop, const std::string& path, const char* what,
                     Call&& call) {
  return entry(
      stop, [&] { return path + ": not enough memory to " + what; }, call);
}

}  // namespace maxdot::base
