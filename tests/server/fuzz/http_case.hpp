// Requests of HTTP.
#pragma once

#include "case.hpp"

namespace maxdot::server::fuzz {

/// Sends the case as it is, then damaged. Throws Broken. Returns how many requests were answered.
int run_http(Random& random, const Subject& subject, const Case& asked);

}  // namespace maxdot::server::fuzz
