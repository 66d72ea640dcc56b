#include "base/path_errors.hpp"

#include <new>
#include <system_error>

namespace maxdot::base {

void fail(const std::string& path, const std::string& what) { fail_as(path, what, 0); }

void fail_as(const std::string& path, const std::string& what, int error) {
  throw Error(ErrorCode::io, (path.empty() ? std::string("(empty path)") : path) + ": " + what)
      .about(path)
      .because(error);
}

void throw_about(const Error& error, const std::string& path) {
  try {
    throw error.about(path);
  } catch (const std::bad_alloc&) {
  }
  throw Error(error);
}

void fail_errno(const std::string& path, const std::string& what, int error) {
  fail_as(path, what + ": " + std::generic_category().message(error), error);
}

void check_path(const std::string& path) {
  if (path.find('\0') == std::string::npos) return;
  std::string shown;
  for (const char c : path) shown += c == '\0' ? std::string("\\0") : std::string(1, c);
  throw Error(ErrorCode::invalid_argument,
              shown + ": the path holds a NUL character; name a file without one")
      .about(path);
}

}  // namespace maxdot::base
