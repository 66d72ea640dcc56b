// The frame around each entry point of the library: it computes in the default float environment,
// and Error is the only exception that leaves it.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "base/float_environment.hpp"

namespace maxdot::base {

/// Throws Error (out_of_memory) with message(). When there is no memory for that either, the
/// message is a fixed one.
[[noreturn]] void refuse_for_memory(std::string (*message)(const void*), const void* context);

/// Returns body(), computed as in_default_environment does. If memory runs out in it, or a
/// container would be larger than any can be, throws Error (out_of_memory) with message(), a string
/// that says for what and what to do. Other exceptions pass.
template <typename Message, typename Body>
auto entry(const Message& message, Body&& body) -> decltype(body()) {
  try {
    return in_default_environment(body);
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  refuse_for_memory(
      [](const void* context) -> std::string { return (*static_cast<const Message*>(context))(); },
      &message);
}

}  // namespace maxdot::base
