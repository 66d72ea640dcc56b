// The one exception type that maxdot throws.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

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
  overloaded = 10,        ///< more waits already than may (maxdot/batcher.hpp); ask again later
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
  /// The file that the failed call was about; empty if it was about none.
  std::string_view path() const noexcept {
    return path_ == nullptr ? std::string_view() : std::string_view(*path_);
  }
  /// What the system said, an errno such as ENOENT; 0 where the system refused nothing.
  int system_error() const noexcept { return system_error_; }
  /// The same error, with what the system said.
  Error because(int system_error) const {
    Error error(*this);
    error.system_error_ = system_error;
    return error;
  }
  /// The same error, about a file.
  Error about(const std::string& path) const {
    Error error(*this);
    error.path_ = std::make_shared<const std::string>(path);
    return error;
  }

 private:
  ErrorCode code_;
  int system_error_ = 0;
  ErrorPlace place_;
  std::shared_ptr<const std::string> path_;  // shared: copies of an exception must not throw
};

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
