// Small damage to text or bytes.
#pragma once

#include <string>

#include "case.hpp"

namespace maxdot::server::fuzz {

/// A few bytes are changed, lost, repeated or put in; some are such as decoders stumble over.
void mutate(Random& random, std::string& text);

/// A whole number that sizes are likely to be wrong with.
std::int64_t nasty(Random& random);

}  // namespace maxdot::server::fuzz
