#include "c/c_status.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "base/thread_local.hpp"
#include "base/thread_slot.hpp"
#include "maxdot/machine.hpp"

namespace maxdot::c {
namespace {

struct LastError {
  char text[8192] = "";
  char path[4096] = "";
  std::int64_t row = -1;
  std::int64_t column = -1;
};
constexpr LastError kNone;
// Made at the first failure in a thread: so much thread-local data would be asked for at the first
// call, and the C library ends a process that has no memory for it.
const base::ThreadSlot<LastError> last_of_thread;
// The text of a failure that could not be kept; else null.
MAXDOT_THREAD_LOCAL const char* unkept = nullptr;

const LastError& last() noexcept {
  const LastError* kept = last_of_thread.get();
  return kept == nullptr ? kNone : *kept;
}

// Of this thread; null if there is no memory.
LastError* place_for_error() noexcept {
  if (last_of_thread.get() == nullptr) {
    std::unique_ptr<LastError> made(new (std::nothrow) LastError);
    if (made == nullptr || !last_of_thread.keep(std::move(made))) return nullptr;
  }
  return last_of_thread.get();
}

// As much of it as there is room for, and no half of a UTF-8 character. Returns its length.
std::size_t copy(std::string_view text, char* out, std::size_t size) noexcept {
  std::size_t length = text.size();
  if (length > size - 1) {
    // A character has at most three bytes after its first; other bytes are no UTF-8.
    length = size - 1;
    std::size_t whole = length;
    while (whole > 0 && length - whole < 3 && (text[whole] & 0xC0) == 0x80) --whole;
    if ((text[whole] & 0xC0) != 0x80) length = whole;
  }
  if (length != 0) std::memmove(out, text.data(), length);  // an empty view may have no data
  out[length] = '\0';
  return length;
}

maxdot_status keep(maxdot_status status, const char* text, std::string_view path,
                   const ErrorPlace& place) noexcept {
  LastError* last = place_for_error();
  if (last == nullptr) {
    unkept = status == MAXDOT_OUT_OF_MEMORY
                 ? "out of memory; free memory, or ask for less at once"
                 : "there was no memory, or no key of a thread, to keep what this error is about; "
                   "its status is right";
    return status;
  }
  unkept = nullptr;
  write_line(text, last->text, sizeof last->text);
  copy(path, last->path, sizeof last->path);
  last->row = place.row;
  last->column = place.column;
  return status;
}

}  // namespace

const char* error_text() noexcept { return unkept != nullptr ? unkept : last().text; }

const char* error_path() noexcept { return unkept != nullptr ? "" : last().path; }

ErrorPlace error_place() noexcept {
  return unkept != nullptr ? ErrorPlace{} : ErrorPlace{last().row, last().column};
}

void write_line(std::string_view text, char* out, std::size_t size) noexcept {
  const std::size_t length = copy(text, out, size);
  std::replace_if(
      out, out + length, [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

maxdot_status failed(const Error& error) noexcept {
  return keep(static_cast<maxdot_status>(error.code()), error.what(), error.path(), error.place());
}

maxdot_status failed(maxdot_status status, const char* text) noexcept {
  return keep(status, text, {}, {});
}

}  // namespace maxdot::c

using maxdot::ErrorCode;

static_assert(static_cast<int>(ErrorCode::invalid_argument) == MAXDOT_INVALID_ARGUMENT &&
              static_cast<int>(ErrorCode::invalid_data) == MAXDOT_INVALID_DATA &&
              static_cast<int>(ErrorCode::io) == MAXDOT_IO &&
              static_cast<int>(ErrorCode::bad_format) == MAXDOT_BAD_FORMAT &&
              static_cast<int>(ErrorCode::unsupported) == MAXDOT_UNSUPPORTED &&
              static_cast<int>(ErrorCode::out_of_memory) == MAXDOT_OUT_OF_MEMORY &&
              static_cast<int>(ErrorCode::checksum_mismatch) == MAXDOT_CHECKSUM_MISMATCH &&
              static_cast<int>(ErrorCode::cancelled) == MAXDOT_CANCELLED &&
              static_cast<int>(ErrorCode::timeout) == MAXDOT_TIMEOUT &&
              static_cast<int>(ErrorCode::overloaded) == MAXDOT_OVERLOADED);

extern "C" {

const char* maxdot_version(void) { return maxdot::version(); }

const char* maxdot_error_text(void) { return maxdot::c::error_text(); }

const char* maxdot_error_path(void) { return maxdot::c::error_path(); }

void maxdot_error_place(int64_t* row, int64_t* column) {
  const maxdot::ErrorPlace place = maxdot::c::error_place();
  if (row != nullptr) *row = place.row;
  if (column != nullptr) *column = place.column;
}

const char* maxdot_status_name(int status) {
  switch (status) {
    case MAXDOT_OK:
      return "MAXDOT_OK";
    case MAXDOT_INVALID_ARGUMENT:
      return "MAXDOT_INVALID_ARGUMENT";
    case MAXDOT_INVALID_DATA:
      return "MAXDOT_INVALID_DATA";
    case MAXDOT_IO:
      return "MAXDOT_IO";
    case MAXDOT_BAD_FORMAT:
      return "MAXDOT_BAD_FORMAT";
    case MAXDOT_UNSUPPORTED:
      return "MAXDOT_UNSUPPORTED";
    case MAXDOT_OUT_OF_MEMORY:
      return "MAXDOT_OUT_OF_MEMORY";
    case MAXDOT_CHECKSUM_MISMATCH:
      return "MAXDOT_CHECKSUM_MISMATCH";
    case MAXDOT_CANCELLED:
      return "MAXDOT_CANCELLED";
    case MAXDOT_TIMEOUT:
      return "MAXDOT_TIMEOUT";
    case MAXDOT_OVERLOADED:
      return "MAXDOT_OVERLOADED";
    case MAXDOT_INTERNAL:
      return "MAXDOT_INTERNAL";
    default:
      return "unknown";
  }
}

}  // extern "C"
