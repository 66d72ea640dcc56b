#include "server/base/request_error.hpp"

#include <new>

#include "console/console.hpp"

namespace maxdot::server {
namespace {

Code code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::invalid_data:
      return Code::invalid_argument;
    case ErrorCode::unsupported:
      return Code::unsupported;
    case ErrorCode::out_of_memory:
      return Code::out_of_memory;
    case ErrorCode::timeout:
      return Code::timeout;
    case ErrorCode::overloaded:
      return Code::overloaded;
    case ErrorCode::cancelled:
      return Code::unavailable;
    case ErrorCode::io:
    case ErrorCode::bad_format:
    case ErrorCode::checksum_mismatch:
      break;
  }
  return Code::internal;
}

}  // namespace

const char* to_string(Code code) noexcept {
  switch (code) {
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::unauthenticated:
      return "unauthenticated";
    case Code::not_found:
      return "not_found";
    case Code::too_large:
      return "too_large";
    case Code::overloaded:
      return "overloaded";
    case Code::unavailable:
      return "unavailable";
    case Code::timeout:
      return "timeout";
    case Code::unsupported:
      return "unsupported";
    case Code::out_of_memory:
      return "out_of_memory";
    case Code::internal:
      break;
  }
  return "internal";
}

RequestError request_error(const Error& error) {
  return RequestError(code_of(error.code()), error.what());
}

RequestError request_error_in_flight() {
  try {
    throw;
  } catch (const RequestError& error) {
    return error;
  } catch (const Error& error) {
    return request_error(error);
  } catch (const std::bad_alloc&) {
    return RequestError(Code::out_of_memory, "out of memory; ask for less at once");
  } catch (const std::exception& defect) {
    return RequestError(Code::internal, std::string("internal error: ") + defect.what());
  }
}

std::string in_quotes(const std::string& text) {
  constexpr std::size_t kMost = 80;
  std::string shown = tools::printable(text.substr(0, kMost));
  // Protobuf and JSON answers must be UTF-8; a cut may fall within a character.
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return "'" + shown + (text.size() > kMost ? "...'" : "'");
}

}  // namespace maxdot::server
