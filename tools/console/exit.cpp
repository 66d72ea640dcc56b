#include "console/exit.hpp"

#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <string>

#include "console/console.hpp"

namespace maxdot::tools {

int fail(ExitCode code, std::string_view message, Form form) noexcept {
  try {
    flush_output();  // `verify` reports, then fails
  } catch (...) {
    // The command's own failure is the one to tell.
  }
  print_error(message);
  if (form == Form::json && !has_printed_json()) {
    try {
      print_json({{"error", {{"code", name_of(code)}, {"message", std::string(message)}}}});
      flush_output();
    } catch (...) {
      // Stdout cannot be written, or memory is out: stderr and the exit code have told it.
    }
  }
  return static_cast<int>(code);
}

int fail_in_flight(std::string_view less_memory, Form form) noexcept {
  try {
    throw;
  } catch (const Failure& failure) {
    return fail(failure.code(), failure.what(), form);
  } catch (const Error& error) {
    return fail(exit_code_for(error.code()), error.what(), form);
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::out_of_memory, less_memory, form);
  } catch (const Interrupted& stop) {
    std::signal(stop.signal, SIG_DFL);
    std::raise(stop.signal);
  } catch (const std::exception& defect) {
    return fail(ExitCode::internal,
                std::string("internal error: ") + defect.what() + "; please report it", form);
  }
  return static_cast<int>(ExitCode::internal);
}

namespace {

std::terminate_handler terminate_before = nullptr;

}  // namespace

void tell_of_memory_on_terminate() noexcept {
  terminate_before = std::set_terminate([] {
    if (std::current_exception() != nullptr) {
      try {
        throw;
      } catch (const std::bad_alloc&) {
        print_error("out of memory; free some, or ask for less at once");
        _exit(static_cast<int>(ExitCode::out_of_memory));
      } catch (...) {
        // A defect: the library of the language says what was thrown.
      }
    }
    terminate_before();
  });
}

}  // namespace maxdot::tools
