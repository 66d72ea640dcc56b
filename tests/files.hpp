// Files for tests: a folder that cleans up after itself, the bytes of every format, and refusals.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "maxdot/error.hpp"
#include "maxdot/matrix.hpp"

namespace maxdot::test {

/// A folder of the test's own, gone when the test is.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  std::string operator/(const std::string& name) const { return (root_ / name).string(); }
  /// Writes a file, which may exist. Returns its path.
  std::string put(const std::string& name, const std::string& bytes) const;
  /// The bytes of a file.
  std::string get(const std::string& name) const;
  std::size_t entries() const;

 private:
  std::filesystem::path root_;
};

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// A .npy file of format `major`: the header as it is given, then the data.
std::string npy_text(const std::string& text, const std::string& data = "", char major = 1);
/// The same with a header of this dtype and shape, both as Python writes them.
std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                char major = 1);
std::string fvecs_row(std::int32_t dimension, const std::vector<float>& values);
std::string fbin(std::uint32_t rows, std::uint32_t cols, const std::vector<float>& values);

/// The values of an f32 matrix.
std::vector<float> floats(const Matrix& matrix);

/// `call` must throw an Error of this code whose one line names the file and holds `part`.
template <typename Call>
void check_refused(Call call, ErrorCode code, const std::string& path, const std::string& part) {
  try {
    call();
    FAIL_CHECK(path << " was accepted; expected: " << part);
  } catch (const Error& error) {
    const std::string message = error.what();
    INFO(message);
    CHECK(error.code() == code);
    CHECK(message.starts_with(path + ": "));
    CHECK(message.find(part) != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  }
}

}  // namespace maxdot::test
