// Requests to change items.
#pragma once

#include "case.hpp"

namespace maxdot::server::fuzz {

/// The case's queries as the rows of an upsert, by one of the protocols: as it is, then damaged.
/// Throws Broken. Returns how many requests were accepted.
int run_write(Random& random, const Subject& subject, const Case& asked);

}  // namespace maxdot::server::fuzz
