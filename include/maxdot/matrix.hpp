// Matrix: rows that own their memory.
#pragma once

#include <cstddef>
#include <memory>

#include "maxdot/types.hpp"

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

/// A row-major matrix in 64-byte aligned memory of its own, rows packed (stride = cols * element
/// size). Movable, not copyable; empty once moved from.
class Matrix {
 public:
  Matrix() noexcept = default;
  /// Uninitialised rows. Throws Error (out_of_memory, or invalid_argument if rows * cols overflows
  /// or `dtype` is no value of DType).
  Matrix(std::size_t rows, std::size_t cols, DType dtype);
  Matrix(Matrix&& other) noexcept;
  Matrix& operator=(Matrix&& other) noexcept;

  std::size_t rows() const noexcept { return rows_; }
  std::size_t cols() const noexcept { return cols_; }
  DType dtype() const noexcept { return dtype_; }
  void* data() noexcept { return data_.get(); }
  const void* data() const noexcept { return data_.get(); }
  MatrixView view() const noexcept {
    return {data_.get(), dtype_, rows_, cols_, cols_ * size_of(dtype_)};
  }

  /// Gives up the memory (bytes stay valid while the pointer lives) and becomes empty.
  std::shared_ptr<void> release() noexcept;

 private:
  std::shared_ptr<void> data_;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  DType dtype_ = DType::f32;
};

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
