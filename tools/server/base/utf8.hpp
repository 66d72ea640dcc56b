// Text that protobuf, JSON and Prometheus can carry.
#pragma once

#include <string>

namespace maxdot::server {

/// The text; what is no UTF-8 in it, as a file's name may be, is replaced.
std::string as_utf8(const std::string& text);

}  // namespace maxdot::server
