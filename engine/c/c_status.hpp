// What every function of the C API is wrapped in: errors become a status and a text of the thread.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>

#include "maxdot/error.hpp"
#include "maxdot/maxdot.h"

namespace maxdot::c {

/// Keeps what went wrong for maxdot_error_text and returns the status.
maxdot_status failed(const Error& error) noexcept;
maxdot_status failed(maxdot_status status, const char* text) noexcept;

/// What this thread's last failure was: for maxdot_error_text, _path and _place.
const char* error_text() noexcept;
const char* error_path() noexcept;
ErrorPlace error_place() noexcept;

/// Writes `text`, and a zero, to `out` of `size` bytes, 1 or more: as much as there is room for, no
/// half of a UTF-8 character, and in one line, whatever a file that it names is called.
void write_line(std::string_view text, char* out, std::size_t size) noexcept;

/// While it lives, pthread_cancel of this thread is put off: its unwinding must not cross what does
/// not throw.
class NoThreadCancel {
 public:
  NoThreadCancel() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  NoThreadCancel(const NoThreadCancel&) = delete;
  NoThreadCancel& operator=(const NoThreadCancel&) = delete;
  ~NoThreadCancel() { pthread_setcancelstate(before_, nullptr); }

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

/// MAXDOT_OK once body() has returned, or what it threw as a status.
template <typename Body>
maxdot_status guarded(const Body& body) noexcept {
  const NoThreadCancel no_cancel;
  try {
    body();
    return MAXDOT_OK;
  } catch (const Error& error) {
    return failed(error);
  } catch (const std::bad_alloc&) {
    return failed(MAXDOT_OUT_OF_MEMORY, "out of memory; free memory, or ask for less at once");
  } catch (const std::length_error&) {
    return failed(MAXDOT_OUT_OF_MEMORY, "sizes are larger than any memory; ask for less at once");
  } catch (const std::exception& error) {
    return failed(MAXDOT_INTERNAL, error.what());
  } catch (...) {
    return failed(MAXDOT_INTERNAL, "an exception of unknown type");
  }
}

}  // namespace maxdot::c
