// The extension module maxdot._core: what crosses from C++ to Python.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "maxdot/maxdot.hpp"
#include "named_argument.hpp"

NB_MODULE(_core, module) {
  using namespace nanobind::literals;
  // A daemon thread that is in a call when the interpreter ends keeps what it has; that is no leak.
  nanobind::set_leak_warnings(false);
  maxdot::python::bind_errors(module);
  maxdot::python::bind_interrupt(module);
  maxdot::python::bind_index(module);
  maxdot::python::bind_index_writer(module);
  maxdot::python::bind_matrix_file(module);
  maxdot::python::bind_live(module);
  maxdot::python::bind_batcher(module);
  maxdot::python::bind_merge(module);
  maxdot::python::bind_verify(module);
  maxdot::python::bind_objective(module);
  maxdot::python::bind_evaluate(module);
  module.def("available_threads", &maxdot::available_threads);
  module.def("kernel_name", &maxdot::kernel_name);
  module.def("kernel_names", &maxdot::kernel_names);
  module.def(
      "use_kernels",
      [](const maxdot::python::Named<"name", std::string>& name) { maxdot::use_kernels(name); },
      "name"_a.none());
  module.def(
      "metric_named",
      [](const maxdot::python::MetricText& name) {
        return maxdot::to_string(maxdot::metric_named(name.value));
      },
      "name"_a.none());
  module.attr("__version__") = MAXDOT_VERSION;
}
