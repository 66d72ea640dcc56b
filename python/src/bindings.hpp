// The parts of the extension module maxdot._core, one function per file.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "maxdot/index.hpp"

namespace maxdot::python {

/// A path as Python's os.fsencode gives it. May hold any byte; the library refuses NUL.
inline std::string path_of(const nanobind::bytes& path) { return {path.c_str(), path.size()}; }

void bind_index(nanobind::module_& module);
void bind_searches(nanobind::class_<Index>& bound);
void bind_merge(nanobind::module_& module);
void bind_verify(nanobind::module_& module);
void bind_objective(nanobind::module_& module);
void bind_evaluate(nanobind::module_& module);

}  // namespace maxdot::python
