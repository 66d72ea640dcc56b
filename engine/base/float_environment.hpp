// The IEEE environment that "bit-identical" needs: round to nearest, denormals kept, no exception
// traps.
//
// A host program, or a library that was linked with -ffast-math, may have set another one for its
// thread. Every public function that computes in floating point runs its body by
// in_default_environment; parallel_for does the same for each of its threads.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

namespace maxdot::base {

namespace detail {
/// Calls body(context) in the default environment, then restores the thread's own, also when the
/// body throws.
///
/// A function of its own, in another translation unit and never inlined: compilers order no
/// arithmetic against the instruction that sets the environment, so the arithmetic must stand
/// behind a call that they cannot see through.
void call_in_default_environment(void (*body)(void* context), void* context);
}  // namespace detail

/// Returns body(), computed with the default environment, whatever the calling thread has set.
/// Afterwards the thread's environment is as it was, the exception flags of its SSE unit included.
/// Throws what the body throws.
template <typename Body>
auto in_default_environment(Body&& body) {
  using Result = std::invoke_result_t<Body&>;
  if constexpr (std::is_void_v<Result>) {
    detail::call_in_default_environment(
        [](void* context) { (*static_cast<std::remove_reference_t<Body>*>(context))(); }, &body);
  } else {
    std::optional<Result> result;
    auto keep = [&] { result.emplace(body()); };
    detail::call_in_default_environment(
        [](void* context) { (*static_cast<decltype(keep)*>(context))(); }, &keep);
    return std::move(*result);
  }
}

}  // namespace maxdot::base
