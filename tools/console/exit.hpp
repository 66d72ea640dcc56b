// How the main of a command ends: what failed becomes a line and an exit code.
#pragma once

#include <string_view>

#include "console/failure.hpp"
#include "console/progress.hpp"

namespace maxdot::tools {

/// Prints the one line of an error to stderr, and gives the exit code. With Form::json stdout gets
/// {"error": {"code": ..., "message": ...}} too, unless a document was printed before, which then
/// tells what failed.
int fail(ExitCode code, std::string_view message, Form form) noexcept;

/// The same for the exception in flight, after what was printed before it. `less_memory` says what
/// to do if memory ran out. One that was interrupted ends the process by the same signal. Requires
/// an exception in flight.
int fail_in_flight(std::string_view less_memory, Form form) noexcept;

/// Call once. What ends the process for want of memory, behind the back of all handlers, then still
/// prints the line of an error and gives the exit code: a JSON document asks for memory when it is
/// freed, and may not throw.
void tell_of_memory_on_terminate() noexcept;

}  // namespace maxdot::tools
