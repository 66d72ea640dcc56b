// encode: from embeddings to an ItemStore.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "kernels/kernels.hpp"
#include "maxdot/matrix.hpp"
#include "maxdot/types.hpp"
#include "store/item_store.hpp"

namespace maxdot::store {

struct EncodeOptions {
  Metric metric = Metric::cosine;
  bool normalized = false;
  std::span<const std::int64_t> ids;
  int threads = 1;
  /// Whether check_matrix has passed the rows.
  bool checked = false;
};

/// Checks that the view has a known dtype and a sensible shape; reads no row. Throws Error
/// (invalid_argument).
void check_shape(const MatrixView& view, const char* what);

/// The same, and that all its values are finite. `what` names it in messages
/// ("items", "queries"). Throws Error: invalid_argument, invalid_data with row and column of the
/// first bad value; rows are counted from `first_row`.
void check_matrix(const MatrixView& view, const char* what, int threads, std::size_t first_row = 0);

/// Throws Error (invalid_data) for a negative id; rows are counted from `first_row`.
void check_signs(std::span<const std::int64_t> ids, std::size_t first_row);

/// Throws Error unless there is one id for each of `rows` rows (invalid_argument) and they are >= 0
/// and unique (invalid_data). Throws std::bad_alloc. O(n log n), O(n) for ascending ones.
void check_ids(std::span<const std::int64_t> ids, std::size_t rows);

/// Takes the rows over and computes what the screens need. Throws Error as check_matrix does, and
/// for ids that are negative, repeated, or not one per row. O(n·d / threads + n log n with ids).
std::shared_ptr<const ItemStore> encode(Matrix&& rows, const EncodeOptions& options,
                                        const kernels::KernelTable& table);

}  // namespace maxdot::store
