// How the main of a command ends: what failed becomes a line and an exit code.
#pragma once

#include <string_view>

#include "console/failure.hpp"

namespace maxdot::tools {

/// Prints the one line of an error, and gives the exit code.
int fail(ExitCode code, std::string_view message) noexcept;

/// The same for the exception in flight, after what was printed before it. `less_memory` says what
/// to do if memory ran out. One that was interrupted ends the process by the same signal. Requires
/// an exception in flight.
int fail_in_flight(std::string_view less_memory) noexcept;

}  // namespace maxdot::tools
