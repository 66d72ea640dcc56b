// The server: what it is made of, and how it starts, changes and ends.
#pragma once

#include "server/options.hpp"

namespace maxdot::server {

/// Checks what can be checked without listening: files, tokens, certificates, indexes. Throws
/// tools::Failure or Error.
void check(const Options& options);

/// Serves until SIGTERM or SIGINT, then drains. Throws tools::Failure or Error if it cannot begin.
void run(const Options& options);

}  // namespace maxdot::server
