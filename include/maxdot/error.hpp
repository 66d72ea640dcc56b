// The one exception type that maxdot throws.
#pragma once

#include <stdexcept>
#include <string>

namespace maxdot {

enum class ErrorCode : int {
  invalid_argument = 1,   ///< the caller's arguments do not fit (shape, k, option)
  invalid_data = 2,       ///< a value that no ranking can use: NaN, Inf, a duplicate id
  io = 3,                 ///< the operating system refused: open, read, write, sync, rename
  bad_format = 4,         ///< a file is not what its name or header says, or is cut short
  unsupported = 5,        ///< a valid file or request that this version or machine cannot serve
  out_of_memory = 6,      ///< an allocation failed; nothing was changed
  checksum_mismatch = 7,  ///< a file's payload differs from its checksum
};

const char* to_string(ErrorCode code) noexcept;

/// Thrown by the library's validating entry points and by nothing else in maxdot. The message is
/// one line that names the file, row or value, says what is wrong, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace maxdot
