// What Python passes as an array, seen as the matrix that the C++ API takes: without a copy
// whenever rows are contiguous.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <string>

#include "maxdot/maxdot.hpp"

namespace maxdot::python {

namespace nb = nanobind;

/// A view of the caller's array. The array is kept alive, so `view` stays valid without the GIL.
struct MatrixArgument {
  nb::ndarray<nb::ro> array;
  MatrixView view;
  bool one_dimensional = false;
};

/// `object` speaks the buffer or the DLPack protocol and holds f32 or f16 in CPU memory: shape
/// [rows, cols], or [cols] where `vector_allowed`, which counts as one row. Only an array whose
/// rows are not contiguous is copied. Throws ValueError (dtype, shape, device) or TypeError (no
/// array); the message starts with `name`.
MatrixArgument matrix_argument(nb::handle object, const char* name, bool vector_allowed);

/// Throws ValueError for a masked array of NumPy, whose values do not all count.
void refuse_masked(nb::handle object, const char* name);

/// What messages call the type of an object, and the dtype of one that has it.
std::string class_name(nb::handle object);
std::string dtype_name(nb::handle object);

/// Throws Error (invalid_data) for NaN or Inf, naming `name`, row and column. Index does this
/// itself; the brute force does not.
void check_finite(const MatrixView& view, const char* name);

/// metric_named: throws ValueError for what is none.
Metric metric_argument(const std::string& text);

/// f32, f16. Throws ValueError for anything else.
DType dtype_argument(const std::string& text);

/// k as the C++ API takes it. Throws ValueError if it is negative.
std::size_t k_argument(std::int64_t k);

}  // namespace maxdot::python
