// The extension module maxdot._core: what crosses from C++ to Python, and how errors do.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <exception>
#include <new>

#include "bindings.hpp"
#include "maxdot/maxdot.hpp"

namespace {

namespace nb = nanobind;

PyObject* exception_for(maxdot::ErrorCode code) {
  switch (code) {
    case maxdot::ErrorCode::io:
      return PyExc_OSError;
    case maxdot::ErrorCode::out_of_memory:
      return PyExc_MemoryError;
    case maxdot::ErrorCode::timeout:
      return PyExc_TimeoutError;
    case maxdot::ErrorCode::unsupported:
    case maxdot::ErrorCode::cancelled:
    case maxdot::ErrorCode::overloaded:
      return PyExc_RuntimeError;
    case maxdot::ErrorCode::invalid_argument:
    case maxdot::ErrorCode::invalid_data:
    case maxdot::ErrorCode::bad_format:
    case maxdot::ErrorCode::checksum_mismatch:
      return PyExc_ValueError;
  }
  return PyExc_RuntimeError;
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const maxdot::Error& error) {
    if (PyErr_Occurred() != nullptr) return;  // what the handler of a signal raised comes first
    // A message may name a file whose name is no UTF-8.
    const nb::object message = nb::steal(PyUnicode_DecodeFSDefault(error.what()));
    if (message.is_valid()) PyErr_SetObject(exception_for(error.code()), message.ptr());
  } catch (const std::bad_alloc&) {  // of what the bindings allocate themselves
    PyErr_SetString(PyExc_MemoryError,
                    "not enough memory; use a smaller k, or ask for less at once");
  }
}

}  // namespace

NB_MODULE(_core, module) {
  using namespace nb::literals;
  // A daemon thread that is in a call when the interpreter ends keeps what it has; that is no leak.
  nb::set_leak_warnings(false);
  nb::register_exception_translator(translate);
  maxdot::python::bind_index(module);
  maxdot::python::bind_merge(module);
  maxdot::python::bind_verify(module);
  maxdot::python::bind_objective(module);
  maxdot::python::bind_evaluate(module);
  module.def("timeout_argument", &maxdot::python::timeout_argument, "timeout"_a.none());
  module.def("available_threads", &maxdot::available_threads);
  module.def("kernel_name", &maxdot::kernel_name);
  module.def("kernel_names", &maxdot::kernel_names);
  module.def("use_kernels", &maxdot::use_kernels, "name"_a);
  module.attr("__version__") = MAXDOT_VERSION;
}
