// Refusals of the server, for its tests.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "server/base/request_error.hpp"

namespace maxdot::server::test {

/// `call` must throw a RequestError of this code whose one line of ASCII holds `part`.
template <typename Call>
void check_refused(Call call, Code code, const std::string& part) {
  try {
    call();
    FAIL_CHECK("was accepted; expected: " << part);
  } catch (const RequestError& error) {
    const std::string message = error.what();
    INFO(message);
    CHECK(to_string(error.code()) == std::string(to_string(code)));
    CHECK(message.find(part) != std::string::npos);
    for (const char c : message) CHECK((c >= ' ' && c <= '~'));
  }
}

}  // namespace maxdot::server::test
