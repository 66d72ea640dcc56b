#include "maxdot/types.hpp"

#include <string>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "base/checked.hpp"
#include "base/entry.hpp"
#include "maxdot/error.hpp"
#include "maxdot/matrix.hpp"

namespace maxdot {
inline namespace v0_1 {

const char* to_string(Metric metric) noexcept {
  switch (metric) {
    case Metric::dot:
      return "dot";
    case Metric::cosine:
      return "cosine";
    case Metric::euclidean:
      return "euclidean";
  }
  return "unknown";
}

const char* to_string(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
  }
  return "unknown";
}

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::invalid_data:
      return "invalid_data";
    case ErrorCode::io:
      return "io";
    case ErrorCode::bad_format:
      return "bad_format";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::checksum_mismatch:
      return "checksum_mismatch";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::overloaded:
      return "overloaded";
  }
  return "unknown";
}

Matrix::Matrix(std::size_t rows, std::size_t cols, DType dtype)
    : rows_(rows), cols_(cols), dtype_(dtype) {
  const auto size = [&] { return std::to_string(rows) + " x " + std::to_string(cols); };
  base::entry([&] { return "no memory for a matrix of " + size(); },
              [&] {
                base::check_dtype(dtype, "matrix");
                const auto elements = base::checked_mul(rows, cols);
                const auto bytes =
                    elements ? base::checked_mul(*elements, size_of(dtype)) : std::nullopt;
                if (!bytes) {
                  throw Error(ErrorCode::invalid_argument,
                              "matrix of " + size() + " is larger than the address space");
                }
                data_ = base::allocate_shared_bytes(static_cast<std::size_t>(*bytes), "a matrix");
              });
}

Matrix::Matrix(Matrix&& other) noexcept
    : data_(std::move(other.data_)),
      rows_(std::exchange(other.rows_, 0)),
      cols_(std::exchange(other.cols_, 0)),
      dtype_(other.dtype_) {}

Matrix& Matrix::operator=(Matrix&& other) noexcept {
  Matrix moved(std::move(other));
  data_ = std::move(moved.data_);
  rows_ = moved.rows_;
  cols_ = moved.cols_;
  dtype_ = moved.dtype_;
  return *this;
}

std::shared_ptr<void> Matrix::release() noexcept {
  rows_ = 0;
  cols_ = 0;
  return std::move(data_);
}

}  // namespace v0_1
}  // namespace maxdot
