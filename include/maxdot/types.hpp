// The vocabulary of the public API: element types, metrics, and a view of a matrix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

/// What "best" means. `dot` and `cosine` prefer the largest score, `euclidean` the smallest
/// distance.
enum class Metric : std::uint8_t { dot = 0, cosine = 1, euclidean = 2 };

/// Element type of stored rows. f16 is IEEE 754 binary16; every f16 value is exactly an f32 value.
enum class DType : std::uint8_t { f32 = 0, f16 = 1 };

/// How an open index holds its file.
enum class Load : std::uint8_t {
  map,     ///< Mapped: opens at once, and processes share the pages. The file may be replaced (by
           ///< rename, as save does) and removed, but not overwritten or cut short: a search then
           ///< ends the process (SIGBUS), or returns anything.
  memory,  ///< Read into memory, every checksum checked. What happens to the file later does not
           ///< matter.
  locked,  ///< The same, and never paged out (mlock); the limit of the process must allow it.
};

const char* to_string(Metric metric) noexcept;

/// The metric of that name, in small letters or capitals: dot, ip or inner_product; cosine or cos;
/// euclidean or l2. Throws Error (invalid_argument), which says what may be meant.
Metric metric_named(std::string_view name);

const char* to_string(DType dtype) noexcept;

constexpr std::size_t size_of(DType dtype) noexcept { return dtype == DType::f32 ? 4 : 2; }

/// Largest accepted dimension. The int8 screens need |g·c| < 2^31, which holds for d < 60,000; no
/// embedding model in use comes near.
inline constexpr std::size_t max_dimension = 32768;

/// A read-only matrix in the caller's memory: `rows` rows of `cols` elements, each row contiguous,
/// row r starting at `data + r * stride_bytes`. It owns nothing.
struct MatrixView {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride_bytes = 0;

  static MatrixView f32(const float* data, std::size_t rows, std::size_t cols) noexcept {
    return {data, DType::f32, rows, cols, cols * 4};
  }
  static MatrixView f16(const std::uint16_t* data, std::size_t rows, std::size_t cols) noexcept {
    return {data, DType::f16, rows, cols, cols * 2};
  }
  const void* row(std::size_t r) const noexcept {
    return static_cast<const unsigned char*>(data) + r * stride_bytes;
  }
  /// Rows [begin, begin + count). Requires begin + count <= rows.
  MatrixView slice(std::size_t begin, std::size_t count) const noexcept {
    return {row(begin), dtype, count, cols, stride_bytes};
  }
};

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
