#include "base/entry.hpp"

#include "maxdot/error.hpp"

namespace maxdot::base {
namespace {

// Made while there is memory. Copies share its text, and an exception's own memory is kept in
// reserve by the runtime.
const Error kNoMemory(ErrorCode::out_of_memory,
                      "out of memory; free memory, or use fewer rows, queries or a smaller k");

}  // namespace

void refuse_for_memory(std::string (*message)(const void*), const void* context) {
  try {
    throw Error(ErrorCode::out_of_memory, message(context));
  } catch (const std::bad_alloc&) {
  }
  throw Error(kNoMemory);
}

}  // namespace maxdot::base
