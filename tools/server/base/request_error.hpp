// Why a request gets no answer, in words that both protocols translate.
#pragma once

#include <stdexcept>
#include <string>

#include "maxdot/error.hpp"

namespace maxdot::server {

enum class Code {
  invalid_argument,  ///< the request does not fit: shape, value, name of a tensor
  unauthenticated,   ///< a token is needed
  not_found,         ///< no such model, version or path
  too_large,         ///< the message or its answer has more bytes than allowed
  overloaded,        ///< too much waits already; ask again later
  unavailable,       ///< the model or the server is not ready
  timeout,           ///< the search had not begun in the time that the request gave
  unsupported,       ///< a part of the protocol that is not offered
  out_of_memory,     ///< an allocation failed
  internal,          ///< a file or the server itself is at fault, not the request
};

/// As metrics and logs name it: "invalid_argument".
const char* to_string(Code code) noexcept;

class RequestError : public std::runtime_error {
 public:
  RequestError(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const noexcept { return code_; }

 private:
  Code code_;
};

/// What a client is told of an error of the library.
RequestError request_error(const Error& error);

/// What a client is told of the exception that is being handled. Requires that one is.
RequestError request_error_in_flight();

/// What a client wrote, for a message: cut to a line's length, control characters replaced.
std::string in_quotes(const std::string& text);

}  // namespace maxdot::server
