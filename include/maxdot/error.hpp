// The one exception type that maxdot throws.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#pragma GCC visibility push(default)
namespace maxdot {

enum class ErrorCode : int {
  invalid_argument = 1,   ///< the caller's arguments do not fit (shape, k, option)
  invalid_data = 2,       ///< a value that no ranking can use: NaN, Inf, a duplicate id
  io = 3,                 ///< the operating system refused: open, read, write, sync, rename
  bad_format = 4,         ///< a file is not what its name or header says, or is cut short
  unsupported = 5,        ///< a valid file or request that this version or machine cannot serve
  out_of_memory = 6,      ///< an allocation failed; nothing was changed
  checksum_mismatch = 7,  ///< a file's payload differs from its checksum
  cancelled = 8,          ///< somebody asked for the call to end (maxdot/stop.hpp)
  timeout = 9,            ///< the call was not done in the time that it was given
};

const char* to_string(ErrorCode code) noexcept;

/// The place that an error is about, counted from 0 in what the caller gave; -1 where the error has
/// none.
struct ErrorPlace {
  std::int64_t row = -1;
  std::int64_t column = -1;
  /// What stands there, where a value is at fault.
  double value = 0.0;
};

/// Thrown by the library's validating entry points and by nothing else in maxdot. The message is
/// one line that names the file, row or value, says what is wrong, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, const ErrorPlace& place = {})
      : std::runtime_error(message), code_(code), place_(place) {}
  ErrorCode code() const noexcept { return code_; }
  /// For a caller who counts rows from elsewhere, such as the start of a file that it reads in
  /// parts.
  const ErrorPlace& place() const noexcept { return place_; }

 private:
  ErrorCode code_;
  ErrorPlace place_;
};

}  // namespace maxdot
#pragma GCC visibility pop
