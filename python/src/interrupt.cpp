// What ends a call early: its timeout, and Ctrl-C. Python notes a signal, and only its main thread,
// with the GIL, may act on it.

#include <nanobind/nanobind.h>

#include <optional>
#include <string>

#include "array_argument.hpp"
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

std::optional<double> timeout_argument(nb::handle timeout) {
  if (timeout.is_none()) return std::nullopt;
  const std::string wanted = " is no number of seconds above 0; None is no limit";
  const bool is_bool = PyBool_Check(timeout.ptr());
  const double seconds = is_bool ? 0.0 : PyFloat_AsDouble(timeout.ptr());
  const bool failed = PyErr_Occurred() != nullptr;
  if (failed && PyErr_ExceptionMatches(PyExc_OverflowError)) {
    PyErr_Clear();
    throw nb::value_error(("timeout: it" + wanted).c_str());
  }
  if (is_bool || (failed && PyErr_ExceptionMatches(PyExc_TypeError))) {
    PyErr_Clear();
    throw nb::type_error(("timeout: " + class_name(timeout) + wanted).c_str());
  }
  if (failed) throw nb::python_error();
  if (!(seconds > 0.0))
    throw nb::value_error(("timeout: " + std::to_string(seconds) + wanted).c_str());
  return seconds;
}

StopOptions stop_of_python(nb::handle timeout) {
  StopOptions stop;
  stop.timeout = timeout_argument(timeout).value_or(0.0);
  if (on_main_thread()) stop.poll = handler_raised;
  return stop;
}

}  // namespace maxdot::python
