#include "scores_argument.hpp"

#include "array_argument.hpp"

namespace maxdot::python {
namespace {

nb::ndarray<nb::ro> array_of(nb::handle object, const char* name) {
  refuse_masked(object, name);
  nb::ndarray<nb::ro> array;
  if (!nb::try_cast(object, array)) {
    const std::string given = std::string(name) + ": " + class_name(object);
    // bfloat16, big-endian, str: wrong in value, not in kind.
    if (nb::hasattr(object, "dtype")) {
      throw nb::value_error(
          (given + " of dtype " + dtype_name(object) +
           " cannot be read in place; pass float32 or float64 in native byte order")
              .c_str());
    }
    throw nb::type_error((given +
                          " is no array; pass one with the buffer or DLPack protocol, for example "
                          "numpy.asarray(" +
                          name + ", dtype=numpy.float32)")
                             .c_str());
  }
  if (array.device_type() != nb::device::cpu::value) {
    throw nb::value_error(
        (std::string(name) + ": not in CPU memory; copy it there, for example with .cpu()")
            .c_str());
  }
  return array;
}

// Strides of an empty array mean nothing, and neither does that of an axis of length 1.
bool is_contiguous(const nb::ndarray<nb::ro>& array) {
  std::int64_t expected = 1;
  for (std::size_t axis = array.ndim(); array.size() > 0 && axis-- > 0;) {
    if (array.shape(axis) > 1 && array.stride(axis) != expected) return false;
    expected *= static_cast<std::int64_t>(array.shape(axis));
  }
  return true;
}

/// NumPy's function of that name on the object, which may speak DLPack only: those functions do not
/// take that.
template <class... Arguments>
nb::object by_numpy(const char* function, nb::handle object, const Arguments&... arguments) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  const bool only_dlpack = nb::hasattr(object, "__dlpack__") && !nb::hasattr(object, "__array__");
  const nb::object readable = only_dlpack ? numpy.attr("from_dlpack")(object) : nb::borrow(object);
  return numpy.attr(function)(readable, arguments...);
}

const char* precision(const ScoresArgument& scores) { return scores.f64 ? "float64" : "float32"; }

}  // namespace

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return "(" + text + ")";
}

ScoresArgument scores_argument(nb::handle object, const char* name) {
  ScoresArgument scores;
  scores.array = array_of(object, name);
  const nb::dlpack::dtype dtype = scores.array.dtype();
  scores.f64 = dtype == nb::dtype<double>();
  if (!scores.f64 && dtype != nb::dtype<float>()) {
    const std::string given = nb::hasattr(object, "dtype")
                                  ? dtype_name(object)
                                  : "with " + std::to_string(dtype.bits) + " bits";
    throw nb::value_error((std::string(name) + ": dtype " + given +
                           " is not float32 or float64; cast it yourself, for example " + name +
                           ".astype(numpy.float32), so that the rounding is your choice")
                              .c_str());
  }
  if (!is_contiguous(scores.array)) {
    return scores_argument(by_numpy("ascontiguousarray", object), name);
  }
  for (std::size_t axis = 0; axis < scores.array.ndim(); ++axis)
    scores.shape.push_back(scores.array.shape(axis));
  return scores;
}

ScoresArgument scores_like(nb::handle object, const char* name, const ScoresArgument& other,
                           const char* other_name) {
  ScoresArgument scores = scores_argument(object, name);
  if (scores.f64 == other.f64) return scores;
  throw nb::value_error((std::string(name) + ": dtype " + precision(scores) +
                         " differs from that of " + other_name + ", " + precision(other) +
                         "; cast one of them")
                            .c_str());
}

ScoresArgument labels_argument(nb::handle object, const ScoresArgument& scores) {
  const auto code = static_cast<nb::dlpack::dtype_code>(array_of(object, "labels").dtype().code);
  const bool whole = code == nb::dlpack::dtype_code::Int || code == nb::dlpack::dtype_code::UInt ||
                     code == nb::dlpack::dtype_code::Bool;
  const nb::object converted =
      whole ? by_numpy("asarray", object, precision(scores)) : nb::borrow(object);
  ScoresArgument labels = scores_like(converted, "labels", scores, "scores");
  if (labels.shape == scores.shape) return labels;
  throw nb::value_error(("labels: shape " + shape_text(labels.shape) +
                         " differs from that of scores, " + shape_text(scores.shape) +
                         "; give one label for each score")
                            .c_str());
}

}  // namespace maxdot::python
