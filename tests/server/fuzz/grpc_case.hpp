// Requests of gRPC.
#pragma once

#include "case.hpp"

namespace maxdot::server::fuzz {

/// As run_http.
int run_grpc(Random& random, const Subject& subject, const Case& asked);

}  // namespace maxdot::server::fuzz
