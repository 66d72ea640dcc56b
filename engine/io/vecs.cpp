#include "io/vecs.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "base/checked.hpp"
#include "maxdot/error.hpp"
#include "maxdot/types.hpp"

namespace maxdot::io {
namespace {

constexpr std::uint64_t value_bytes = 4;
constexpr std::uint64_t prefix_bytes = 4;

Error bad(const base::InputFile& file, const std::string& what) {
  return Error(ErrorCode::bad_format, file.path() + ": " + what);
}

}  // namespace

void check_dimension(const std::string& path, std::uint64_t dimension) {
  if (dimension == 0)
    throw Error(ErrorCode::bad_format, path + ": the dimension is 0; every row needs a value");
  if (dimension > max_dimension) {
    throw Error(ErrorCode::unsupported,
                path + ": dimension " + std::to_string(dimension) + " is more than " +
                    std::to_string(max_dimension) +
                    ", the largest supported; is this a file of embeddings?");
  }
}

VecsShape read_fvecs_shape(const base::InputFile& file) {
  if (file.size() == 0) {
    throw bad(file,
              "an empty .fvecs file does not tell its dimension; use .npy for a set without rows");
  }
  if (file.size() < prefix_bytes) throw bad(file, "is too short for a .fvecs file");
  std::int32_t dimension = 0;
  file.read_at(0, &dimension, sizeof dimension);
  if (dimension < 0) {
    throw bad(file, "row 0 has the negative dimension " + std::to_string(dimension) +
                        "; is this a .fvecs file?");
  }
  const auto cols = static_cast<std::uint64_t>(dimension);
  check_dimension(file.path(), cols);
  const std::uint64_t row_bytes = prefix_bytes + cols * value_bytes;
  if (file.size() % row_bytes != 0) {
    throw bad(file, "its " + std::to_string(file.size()) +
                        " bytes are no whole number of rows of dimension " + std::to_string(cols) +
                        " (" + std::to_string(row_bytes) +
                        " bytes each); it is cut short, or rows differ in dimension");
  }
  return {file.size() / row_bytes, cols};
}

void read_fvecs_rows(const base::InputFile& file, std::uint64_t cols, std::uint64_t begin,
                     std::size_t count, void* out) {
  constexpr std::uint64_t buffer_bytes = std::uint64_t{1} << 20;
  static_assert(buffer_bytes >= prefix_bytes + max_dimension * value_bytes,
                "the buffer holds a row");
  const auto packed_bytes = static_cast<std::size_t>(cols * value_bytes);
  const std::size_t row_bytes = prefix_bytes + packed_bytes;
  const std::size_t most = std::min<std::size_t>(count, buffer_bytes / row_bytes);
  const std::unique_ptr<unsigned char[]> buffer(new (std::nothrow) unsigned char[most * row_bytes]);
  if (!buffer)
    throw Error(ErrorCode::out_of_memory, file.path() + ": no memory for a 1 MiB read buffer");

  auto* to = static_cast<unsigned char*>(out);
  for (std::size_t done = 0; done < count;) {
    const std::size_t rows = std::min(count - done, most);
    file.read_at((begin + done) * row_bytes, buffer.get(), rows * row_bytes);
    for (std::size_t r = 0; r < rows; ++r) {
      const unsigned char* row = buffer.get() + r * row_bytes;
      std::int32_t dimension = 0;
      std::memcpy(&dimension, row, sizeof dimension);
      if (dimension < 0 || static_cast<std::uint64_t>(dimension) != cols) {
        throw bad(file, "row " + std::to_string(begin + done + r) + " has dimension " +
                            std::to_string(dimension) + ", row 0 has " + std::to_string(cols) +
                            "; all rows must have the same");
      }
      std::memcpy(to, row + prefix_bytes, packed_bytes);
      to += packed_bytes;
    }
    done += rows;
  }
}

VecsShape read_fbin_shape(const base::InputFile& file) {
  if (file.size() < fbin_header_bytes) throw bad(file, "is too short for a .fbin file");
  std::array<std::uint32_t, 2> header{};
  file.read_at(0, header.data(), sizeof header);
  const VecsShape shape{header[0], header[1]};
  check_dimension(file.path(), shape.cols);
  // Cannot overflow: 32 bits of rows, and the dimension was bounded just above.
  const std::uint64_t expected = fbin_header_bytes + shape.rows * shape.cols * value_bytes;
  if (expected != file.size()) {
    throw bad(file, std::string(expected < file.size() ? "has trailing bytes" : "is cut short") +
                        ": its header says " + std::to_string(shape.rows) + " x " +
                        std::to_string(shape.cols) + " = " + std::to_string(expected) +
                        " bytes, it has " + std::to_string(file.size()) +
                        "; copy or write the file again");
  }
  return shape;
}

}  // namespace maxdot::io
