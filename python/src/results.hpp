// Memory that C++ fills and NumPy then owns.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "maxdot/index.hpp"

namespace maxdot::python {

namespace nb = nanobind;

/// Hands `values` over to a NumPy array of this shape.
template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::unique_ptr<T[]> values,
                                   std::span<const std::size_t> shape) {
  const nb::capsule owner(values.get(),
                          [](void* memory) noexcept { delete[] static_cast<T*>(memory); });
  return nb::ndarray<nb::numpy, T>(values.release(), shape.size(), shape.data(), owner);
}

template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::unique_ptr<T[]> values,
                                   std::initializer_list<std::size_t> shape) {
  return to_numpy(std::move(values), std::span(shape.begin(), shape.size()));
}

/// A copy that NumPy owns.
template <class T>
nb::object vector_to_numpy(const std::vector<T>& values) {
  std::unique_ptr<T[]> copy(new T[values.size()]);
  std::copy(values.begin(), values.end(), copy.get());
  return nb::cast(to_numpy(std::move(copy), {values.size()}));
}

/// What Python sees of scores, which leave the engine as f64.
enum class ScoreType {
  f32,
  f64,
  keys,  ///< f64
};

/// From the argument `scores`. Throws Error (invalid_argument).
ScoreType score_type_argument(const std::string& scores);

constexpr ScoreKind kind_of(ScoreType type) {
  return type == ScoreType::keys ? ScoreKind::keys : ScoreKind::scores;
}

/// `scores` in an array of this shape, rounded to f32 if that is the type.
nb::object scores_to_numpy(std::unique_ptr<double[]> scores, std::span<const std::size_t> shape,
                           ScoreType type);
nb::object scores_to_numpy(const std::vector<double>& scores, ScoreType type);

/// Results of shape [rows, width] on their way to NumPy.
struct ResultArrays {
  std::size_t rows = 0;
  std::size_t width = 0;
  std::unique_ptr<std::int64_t[]> ids;
  std::unique_ptr<double[]> scores;

  ResultArrays() = default;
  /// Not filled in. Throws Error (out_of_memory), std::bad_alloc. Does not need the GIL.
  ResultArrays(std::size_t rows, std::size_t width);

  /// Ids and scores; of shape [width] if `flat`, for one row.
  std::pair<nb::object, nb::object> to_numpy(bool flat, ScoreType type) &&;
};

}  // namespace maxdot::python
