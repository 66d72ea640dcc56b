// Memory that C++ fills and NumPy then owns.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

namespace maxdot::python {

namespace nb = nanobind;

/// Hands `values` over to a NumPy array of this shape.
template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::unique_ptr<T[]> values, std::span<const std::size_t> shape) {
  const nb::capsule owner(values.get(), [](void* memory) noexcept { delete[] static_cast<T*>(memory); });
  return nb::ndarray<nb::numpy, T>(values.release(), shape.size(), shape.data(), owner);
}

template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::unique_ptr<T[]> values, std::initializer_list<std::size_t> shape) {
  return to_numpy(std::move(values), std::span(shape.begin(), shape.size()));
}

}  // namespace maxdot::python
