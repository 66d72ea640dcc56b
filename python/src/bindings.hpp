// The parts of the extension module maxdot._core, one function per file.
#pragma once

#include <nanobind/nanobind.h>

#include "maxdot/index.hpp"

namespace maxdot::python {

void bind_index(nanobind::module_& module);
void bind_searches(nanobind::class_<Index>& bound);
void bind_merge(nanobind::module_& module);
void bind_verify(nanobind::module_& module);
void bind_objective(nanobind::module_& module);
void bind_evaluate(nanobind::module_& module);

}  // namespace maxdot::python
