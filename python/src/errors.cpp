// maxdot::Error as Python's exceptions.

#include <nanobind/nanobind.h>

#include <exception>
#include <new>

#include "bindings.hpp"
#include "maxdot/error.hpp"

namespace maxdot::python {

namespace nb = nanobind;

namespace {

// As long as the process: threads may still throw when modules have gone.
PyObject* overloaded_error = nullptr;

PyObject* exception_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::io:
      return PyExc_OSError;  // or what is below it: system_error_of
    case ErrorCode::out_of_memory:
      return PyExc_MemoryError;
    case ErrorCode::timeout:
      return PyExc_TimeoutError;
    case ErrorCode::overloaded:
      return overloaded_error;
    case ErrorCode::unsupported:
    case ErrorCode::cancelled:
      return PyExc_RuntimeError;
    case ErrorCode::invalid_argument:
    case ErrorCode::invalid_data:
    case ErrorCode::bad_format:
    case ErrorCode::checksum_mismatch:
      return PyExc_ValueError;
  }
  return PyExc_RuntimeError;
}

// A message may name a file whose name is no UTF-8. Invalid, with Python's error set, if Python has
// no memory.
nb::object message_of(const Error& error) {
  return nb::steal(PyUnicode_DecodeFSDefault(error.what()));
}

// FileNotFoundError, PermissionError, ...: the class that Python has for what the system said, with
// errno. The number is set afterwards: given to the constructor, it would stand before the message.
nb::object system_error_of(const Error& error, const nb::object& message) {
  const nb::handle base(PyExc_OSError);
  const nb::object kind = error.system_error() == 0
                              ? nb::borrow(base)
                              : nb::borrow(base(error.system_error(), "").type());
  nb::object made = kind(message);
  if (error.system_error() != 0) made.attr("errno") = error.system_error();
  return made;
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    if (PyErr_Occurred() != nullptr) return;  // what the handler of a signal raised comes first
    const nb::object message = message_of(error);
    if (!message.is_valid()) return;
    if (error.code() != ErrorCode::io) {
      PyErr_SetObject(exception_for(error.code()), message.ptr());
      return;
    }
    const nb::object made = system_error_of(error, message);
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  } catch (const std::bad_alloc&) {  // of what the bindings allocate themselves
    PyErr_SetString(PyExc_MemoryError,
                    "not enough memory; use a smaller k, or ask for less at once");
  }
}

}  // namespace

nb::object exception_of(const Error& error) {
  const nb::object message = message_of(error);
  if (!message.is_valid()) nb::raise_python_error();
  if (error.code() == ErrorCode::io) return system_error_of(error, message);
  return nb::handle(exception_for(error.code()))(message);
}

void bind_errors(nb::module_& module) {
  overloaded_error = PyErr_NewExceptionWithDoc(
      "maxdot.OverloadedError",
      "More queries wait for a `Batcher` than may; ask again later, or elsewhere.",
      PyExc_RuntimeError, nullptr);
  if (overloaded_error == nullptr) nb::raise_python_error();
  module.attr("OverloadedError") = nb::borrow(overloaded_error);
  nb::register_exception_translator(translate);
}

}  // namespace maxdot::python
