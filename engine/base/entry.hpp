// The frame around each entry point of the library: it computes in the default float environment,
// and Error is the only exception that leaves it.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/calls.hpp"
#include "base/float_environment.hpp"
#include "base/stop.hpp"

namespace maxdot::base {

/// Throws Error (out_of_memory) with message(). When there is no memory for that either, the
/// message is a fixed one.
[[noreturn]] void refuse_for_memory(std::string (*message)(const void*), const void* context);

/// Returns body(), computed as in_default_environment does, as a call that is under way. If memory
/// runs out in it, or a container would be larger than any can be, throws Error (out_of_memory)
/// with message(), a string that says for what and what to do. Throws Error (cancelled, timeout) if
/// the call was to end early: what the body made is then not whole. Other exceptions pass.
template <typename Message, typename Body>
auto entry(const Message& message, Body&& body) -> decltype(body()) {
  const CallUnderWay call;
  try {
    if constexpr (std::is_void_v<decltype(body())>) {
      in_default_environment(body);
      throw_if_stopped();
      return;
    } else {
      auto result = in_default_environment(body);
      throw_if_stopped();
      return result;
    }
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  refuse_for_memory(
      [](const void* context) -> std::string { return (*static_cast<const Message*>(context))(); },
      &message);
}

/// The same for a call that `stop` may end.
template <typename Message, typename Body>
auto entry(const StopOptions& stop, const Message& message, Body&& body) -> decltype(body()) {
  Stop own(stop, current_stop());
  // Most calls have nothing to ask: their loops then do without.
  const StopOfThread scope(own.asks() ? &own : current_stop());
  return entry(message, body);
}

}  // namespace maxdot::base
