// The rows that `maxdot verify` works on: plain f32 in memory, read once, shared by every
// contestant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "maxdot/matrix.hpp"

namespace maxdot::tools {

/// f32 rows, row-major and packed, because that is the only form FAISS takes. f16 files widen
/// without loss.
struct Rows {
  std::vector<float> values;
  std::size_t rows = 0;
  std::size_t cols = 0;

  const float* row(std::size_t r) const noexcept { return values.data() + r * cols; }
  float* row(std::size_t r) noexcept { return values.data() + r * cols; }
  MatrixView view() const noexcept { return MatrixView::f32(values.data(), rows, cols); }
};

/// The whole file as f32. Throws Error as MatrixFile does.
Rows load_rows(const std::string& path);

/// `count` different numbers below `n`, ascending, every subset equally likely; the same on every
/// platform for the same seed. Requires count <= n.
std::vector<std::size_t> sample_rows(std::size_t n, std::size_t count, std::uint64_t seed);

/// The named rows, in the order named.
Rows take_rows(const Rows& from, const std::vector<std::size_t>& which);

/// Every row divided by its Euclidean norm: norm and division in f64, each quotient rounded once to
/// f32. A zero row stays zero.
Rows unit_rows(const Rows& from);

/// Numbers of the rows that are not all zero, ascending.
std::vector<std::size_t> nonzero_rows(const Rows& from);

/// The largest | ‖row‖ − 1 | over the rows that are not zero: 0 for perfectly normalised rows.
double largest_norm_error(const Rows& from);

}  // namespace maxdot::tools
