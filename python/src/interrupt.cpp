// What ends a call early: its timeout, and Ctrl-C. Python notes a signal, and only its main thread,
// with the GIL, may act on it.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>

#include <atomic>
#include <optional>
#include <string>

#include "array_argument.hpp"
#include "bindings.hpp"

namespace maxdot::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

bool handler_raised(void*) {
  const nb::gil_scoped_acquire held;
  return PyErr_CheckSignals() != 0;
}

/// The ident of Python's main thread.
std::atomic<unsigned long> main_thread{0};

}  // namespace

void bind_interrupt(nb::module_& module) {
  // Kept, because asking `threading` in each call would run Python code below a search. A daemon
  // thread that wants the GIL back there, after the interpreter has ended, is unwound through
  // frames that throw nothing, which ends the process (without_gil.hpp).
  const nb::object main = nb::module_::import_("threading").attr("main_thread")();
  main_thread = nb::cast<unsigned long>(main.attr("ident"));
  // Of a forked child, Python's main thread is the one that forked.
  nb::module_::import_("os").attr("register_at_fork")(
      "after_in_child"_a = nb::cpp_function([] { main_thread = PyThread_get_thread_ident(); }));
  module.def("timeout_argument", &timeout_argument, "timeout"_a.none());
}

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
  if (main_thread == PyThread_get_thread_ident()) stop.poll = handler_raised;
  return stop;
}

}  // namespace maxdot::python
