// What Python passes as scores: f32 or f64 of any shape, seen in place whenever it is C-contiguous.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace maxdot::python {

namespace nb = nanobind;

/// A view of the caller's array, which is kept alive: it stays valid without the GIL.
struct ScoresArgument {
  nb::ndarray<nb::ro> array;
  std::vector<std::size_t> shape;
  bool f64 = false;

  /// Requires T = double if and only if f64.
  template <class T>
  std::span<const T> values() const {
    return {static_cast<const T*>(array.data()), array.size()};
  }
};

/// `object` speaks the buffer or the DLPack protocol and holds f32 or f64 in CPU memory. Only an
/// array that is not C-contiguous is copied. Throws ValueError (dtype, device) or TypeError (no
/// array); the message starts with `name`.
ScoresArgument scores_argument(nb::handle object, const char* name);

/// The same, and of the precision of `other`, which messages call `other_name`.
ScoresArgument scores_like(nb::handle object, const char* name, const ScoresArgument& other,
                           const char* other_name);

/// Labels of `scores`, of their shape and precision. Integers and booleans are converted: 0 and 1
/// are exact.
ScoresArgument labels_argument(nb::handle object, const ScoresArgument& scores);

std::string shape_text(const std::vector<std::size_t>& shape);

}  // namespace maxdot::python
