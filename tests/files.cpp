#include "files.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <system_error>

namespace maxdot::test {

namespace fs = std::filesystem;

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "maxdot-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  root_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string Folder::put(const std::string& name, const std::string& bytes) const {
  std::ofstream(*this / name, std::ios::binary) << bytes;
  return *this / name;
}

std::string Folder::get(const std::string& name) const {
  std::ifstream in(*this / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t Folder::entries() const {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
}

std::string npy_text(const std::string& text, const std::string& data, char major) {
  std::string bytes = std::string("\x93NUMPY") + major + '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return bytes + text + data;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                char major) {
  return npy_text("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }   \n",
                  data, major);
}

std::string fvecs_row(std::int32_t dimension, const std::vector<float>& values) {
  return bytes_of(std::vector<std::int32_t>{dimension}) + bytes_of(values);
}

std::string fbin(std::uint32_t rows, std::uint32_t cols, const std::vector<float>& values) {
  return bytes_of(std::vector<std::uint32_t>{rows, cols}) + bytes_of(values);
}

std::vector<float> floats(const Matrix& matrix) {
  REQUIRE(matrix.dtype() == DType::f32);
  std::vector<float> values(matrix.rows() * matrix.cols());
  if (!values.empty()) std::memcpy(values.data(), matrix.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace maxdot::test
