// Shape: what all items of a catalogue have in common.
#pragma once

#include <cstddef>

#include "maxdot/types.hpp"

namespace maxdot::live {

struct Shape {
  Metric metric = Metric::cosine;
  bool normalized = false;
  DType dtype = DType::f32;
  std::size_t dimension = 0;

  std::size_t row_bytes() const noexcept { return dimension * size_of(dtype); }
  bool operator==(const Shape&) const = default;
};

}  // namespace maxdot::live
