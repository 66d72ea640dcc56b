// The parts of the extension module maxdot._core, one function per file.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>

#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/stop.hpp"

namespace maxdot::python {

/// A path as Python's os.fsencode gives it. May hold any byte; the library refuses NUL.
inline std::string path_of(const nanobind::bytes& path) { return {path.c_str(), path.size()}; }

/// Seconds, from the argument `timeout` of every call that may take long; None: no limit. Throws
/// ValueError for a number that is not above 0, TypeError for what is no number, or a bool.
std::optional<double> timeout_argument(nanobind::handle timeout);

/// What ends a call of Python's early: a signal whose handler raises (Ctrl-C), looked for on the
/// main thread, and the argument `timeout`. The call then throws Error, and the translator keeps
/// what the handler raised. There is no stop without a timeout, so that no function can forget it.
/// Throws what timeout_argument throws. Requires the GIL; the call itself is to be made without it.
StopOptions stop_of_python(nanobind::handle timeout);

/// The exception that Python gets for an Error, for who does not raise it here. Throws
/// nanobind::python_error if Python has no memory for it. Requires the GIL.
nanobind::object exception_of(const Error& error);

void bind_errors(nanobind::module_& module);
void bind_interrupt(nanobind::module_& module);
void bind_index(nanobind::module_& module);
void bind_index_writer(nanobind::module_& module);
void bind_matrix_file(nanobind::module_& module);
/// What an Index, a PythonLiveIndex and a Snapshot have in common.
template <class Searched>
void bind_searchable(nanobind::class_<Searched>& bound);
void bind_live(nanobind::module_& module);
void bind_batcher(nanobind::module_& module);
void bind_merge(nanobind::module_& module);
void bind_verify(nanobind::module_& module);
void bind_objective(nanobind::module_& module);
void bind_evaluate(nanobind::module_& module);

}  // namespace maxdot::python
