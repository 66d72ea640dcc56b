// ItemStore: the immutable items of an index, as arrays. It does not matter to a reader whether they lie in memory
// or in a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "maxdot/types.hpp"

namespace maxdot::store {

struct ItemStore {
  std::size_t items = 0;
  std::size_t dimension = 0;
  DType dtype = DType::f32;
  Metric metric = Metric::cosine;
  bool normalized = false;

  /// [items, dimension] of dtype, packed, 64-byte aligned; 64 bytes after the last row are readable.
  const unsigned char* rows = nullptr;
  /// [items] dot64(x, x).
  const double* squares = nullptr;
  /// [items] sqrt of that, rounded to f32 (Inf where it is larger): all that a screen needs of it.
  const float* norms = nullptr;
  /// [items], or null: row number = id.
  const std::int64_t* ids = nullptr;
  /// Largest dot64(x, x), 0 for no items.
  double largest_square = 0.0;

  /// Keeps the arrays alive: buffers or a mapping.
  std::shared_ptr<const void> owner;

  std::size_t row_bytes() const noexcept { return dimension * size_of(dtype); }
  const unsigned char* row(std::size_t r) const noexcept { return rows + r * row_bytes(); }
  std::int64_t id(std::size_t r) const noexcept { return ids == nullptr ? static_cast<std::int64_t>(r) : ids[r]; }
};

}  // namespace maxdot::store
