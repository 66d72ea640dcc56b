// The parts of the extension module maxdot._core, one function per file.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>

#include "maxdot/index.hpp"
#include "maxdot/stop.hpp"

namespace maxdot::python {

/// A path as Python's os.fsencode gives it. May hold any byte; the library refuses NUL.
inline std::string path_of(const nanobind::bytes& path) { return {path.c_str(), path.size()}; }

/// What ends a call of Python's early: a signal whose handler raises (Ctrl-C), looked for on the
/// main thread, and the timeout in seconds, if any. The call then throws Error, and the translator
/// keeps what the handler raised. Throws ValueError for a timeout that is not above 0. Requires the
/// GIL; the call itself is to be made without it.
StopOptions stop_of_python(std::optional<double> timeout = std::nullopt);

void bind_index(nanobind::module_& module);
void bind_searches(nanobind::class_<Index>& bound);
void bind_merge(nanobind::module_& module);
void bind_verify(nanobind::module_& module);
void bind_objective(nanobind::module_& module);
void bind_evaluate(nanobind::module_& module);

}  // namespace maxdot::python
