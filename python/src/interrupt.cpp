// Ctrl-C during a call: Python notes a signal, and only its main thread, with the GIL, may act on
// it.

#include <nanobind/nanobind.h>

#include <optional>
#include <string>

#include "bindings.hpp"

namespace maxdot::python {

namespace nb = nanobind;

namespace {

bool handler_raised(void*) {
  const nb::gil_scoped_acquire held;
  return PyErr_CheckSignals() != 0;
}

bool on_main_thread() {
  const nb::object main = nb::module_::import_("threading").attr("main_thread")();
  return nb::cast<unsigned long>(main.attr("ident")) == PyThread_get_thread_ident();
}

}  // namespace

StopOptions stop_of_python(std::optional<double> timeout) {
  StopOptions stop;
  if (timeout) {
    if (!(*timeout > 0.0)) {
      throw nb::value_error(("timeout: " + std::to_string(*timeout) +
                             " is no number of seconds above 0; None is no limit")
                                .c_str());
    }
    stop.timeout = *timeout;
  }
  if (on_main_thread()) stop.poll = handler_raised;
  return stop;
}

}  // namespace maxdot::python
