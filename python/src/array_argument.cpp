#include "array_argument.hpp"

#include <cstring>
#include <string>

namespace maxdot::python {

std::string class_name(nb::handle object) { return nb::type_name(object.type()).c_str(); }

void refuse_masked(nb::handle object, const char* name) {
  if (!nb::hasattr(object, "filled") || !nb::hasattr(object, "mask")) return;
  throw nb::value_error(
      (std::string(name) +
       ": a masked array has values that do not count; drop their rows, or give filled(...)")
          .c_str());
}

std::string dtype_name(nb::handle object) {
  const nb::object dtype = object.attr("dtype");
  return nb::steal<nb::str>(PyObject_Str(dtype.ptr())).c_str();
}

namespace {

[[noreturn]] void refuse_object(nb::handle object, const char* name) {
  const std::string given = std::string(name) + ": " + class_name(object);
  // An array of a dtype that neither protocol can describe (big-endian, str) is wrong in value, not
  // in kind.
  if (nb::hasattr(object, "dtype")) {
    const std::string message =
        given + " of dtype " + dtype_name(object) +
        " cannot be read in place; pass float32 or float16 in native byte order "
        "(a torch tensor that requires grad: tensor.detach())";
    throw nb::value_error(message.c_str());
  }
  const std::string message =
      given +
      " is no array; pass one with the buffer or DLPack protocol, for example "
      "numpy.asarray(" +
      name + ", dtype=numpy.float32)";
  throw nb::type_error(message.c_str());
}

std::string dtype_text(nb::handle object, nb::dlpack::dtype dtype) {
  if (nb::hasattr(object, "dtype")) return dtype_name(object);
  return "with " + std::to_string(dtype.bits) + " bits";
}

DType checked_dtype(nb::handle object, const nb::ndarray<nb::ro>& array, const char* name) {
  if (array.dtype() == nb::dtype<float>()) return DType::f32;
  const nb::dlpack::dtype half = {static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float), 16, 1};
  if (array.dtype() == half) return DType::f16;
  const std::string message = std::string(name) + ": dtype " + dtype_text(object, array.dtype()) +
                              " is not float32 or float16; cast it yourself, for example " + name +
                              ".astype(numpy.float32), so that the rounding is your choice";
  throw nb::value_error(message.c_str());
}

[[noreturn]] void refuse_shape(const nb::ndarray<nb::ro>& array, const char* name,
                               bool vector_allowed) {
  std::string shape;
  for (std::size_t i = 0; i < array.ndim(); ++i)
    shape += (i ? ", " : "") + std::to_string(array.shape(i));
  const std::string message = std::string(name) + ": shape (" + shape +
                              ") is not [rows, dimension]" +
                              (vector_allowed ? " or [dimension]" : "") + "; reshape it";
  throw nb::value_error(message.c_str());
}

}  // namespace

MatrixArgument matrix_argument(nb::handle object, const char* name, bool vector_allowed) {
  refuse_masked(object, name);
  MatrixArgument argument;
  if (!nb::try_cast(object, argument.array)) refuse_object(object, name);
  nb::ndarray<nb::ro>& array = argument.array;
  if (array.device_type() != nb::device::cpu::value) {
    throw nb::value_error(
        (std::string(name) + ": not in CPU memory; copy it there, for example with .cpu()")
            .c_str());
  }
  const DType dtype = checked_dtype(object, array, name);
  argument.one_dimensional = array.ndim() == 1;
  if (array.ndim() != 2 && !(argument.one_dimensional && vector_allowed))
    refuse_shape(array, name, vector_allowed);

  const std::size_t row_axis = argument.one_dimensional ? 1 : 0;
  const std::size_t rows = argument.one_dimensional ? 1 : array.shape(0);
  const std::size_t cols = array.shape(argument.one_dimensional ? 0 : 1);
  const std::int64_t column_stride = array.stride(argument.one_dimensional ? 0 : 1);
  const std::int64_t row_stride =
      rows > 1 ? array.stride(row_axis) : static_cast<std::int64_t>(cols);
  // Strides of an empty array mean nothing, and neither does that of a single column.
  const bool rows_contiguous = rows == 0 || ((column_stride == 1 || cols <= 1) &&
                                             row_stride >= static_cast<std::int64_t>(cols));
  if (!rows_contiguous) {
    const nb::object copy = nb::module_::import_("numpy").attr("ascontiguousarray")(object);
    return matrix_argument(copy, name, vector_allowed);
  }
  argument.view = {array.data(), dtype, rows, cols,
                   static_cast<std::size_t>(row_stride) * size_of(dtype)};
  return argument;
}

void check_finite(const MatrixView& view, const char* name) {
  const std::size_t bytes = size_of(view.dtype);
  const std::uint32_t exponent = view.dtype == DType::f32 ? 0x7f800000U : 0x7c00U;
  for (std::size_t r = 0; r < view.rows; ++r) {
    const auto* row = static_cast<const unsigned char*>(view.row(r));
    for (std::size_t c = 0; c < view.cols; ++c) {
      std::uint32_t bits = 0;  // x86 and ARM64 are little-endian: a half fills the low bytes
      std::memcpy(&bits, row + c * bytes, bytes);
      if ((bits & exponent) != exponent) continue;
      throw Error(ErrorCode::invalid_data, std::string(name) + ": row " + std::to_string(r) +
                                               ", column " + std::to_string(c) +
                                               " is NaN or infinite; remove or repair the row");
    }
  }
}

Metric metric_argument(const std::string& text) { return metric_named(text); }

DType dtype_argument(const std::string& text) {
  for (const DType dtype : {DType::f32, DType::f16}) {
    if (text == to_string(dtype)) return dtype;
  }
  throw nb::value_error(("dtype: '" + text + "' is not 'f32' or 'f16'").c_str());
}

std::size_t k_argument(std::int64_t k) {
  if (k < 0)
    throw nb::value_error(("k: " + std::to_string(k) + " is negative; ask for 0 or more").c_str());
  return static_cast<std::size_t>(k);
}

}  // namespace maxdot::python
