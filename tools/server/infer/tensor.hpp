// Tensors of the protocol: named arrays of little-endian elements, whatever form they came in.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maxdot/types.hpp"

namespace maxdot::server {

static_assert(std::endian::native == std::endian::little,
              "raw tensors are little-endian and are used as they come");

/// The datatypes that a tensor of a model has.
enum class DataType { fp16, fp32, fp64, int64 };

/// As the protocol names it: "FP32".
const char* to_string(DataType type) noexcept;
/// As a model's configuration names it: "TYPE_FP32".
std::string config_name(DataType type);
std::size_t size_of(DataType type) noexcept;
/// Throws RequestError (invalid_argument) for any other name; `tensor` is named in the message.
DataType data_type_of(const std::string& name, const std::string& tensor);

/// Elements in memory that is aligned for any datatype: of their own, or of the message.
class Elements {
 public:
  Elements() = default;
  /// Views `bytes`, or a copy if they are not aligned.
  static Elements of_bytes(std::string_view bytes);
  /// Views `values`.
  template <typename T>
  static Elements view(std::span<const T> values) noexcept {
    Elements elements;
    elements.bytes_ = std::as_bytes(values);
    return elements;
  }
  template <typename T>
  static Elements own(std::vector<T>&& values) {
    const auto kept = std::make_shared<const std::vector<T>>(std::move(values));
    Elements elements = view(std::span<const T>(*kept));
    elements.kept_ = kept;
    return elements;
  }

  std::size_t bytes() const noexcept { return bytes_.size(); }
  std::string_view text() const noexcept {
    return {static_cast<const char*>(data()), bytes_.size()};
  }
  const void* data() const noexcept { return bytes_.data(); }
  /// Requires that T is the datatype's.
  template <typename T>
  std::span<const T> as() const noexcept {
    return {static_cast<const T*>(data()), bytes_.size() / sizeof(T)};
  }

 private:
  std::shared_ptr<const void> kept_;
  std::span<const std::byte> bytes_;
};

struct Tensor {
  std::string name;
  DataType type = DataType::fp32;
  std::vector<std::int64_t> shape;
  Elements elements;
};

/// Throws RequestError (invalid_argument) unless the shape has as many elements as there are.
void check_size(const Tensor& tensor);

/// As rows of FP32 or FP16, or as a list of INT64. View the tensor. Require check_size. Throw
/// RequestError (invalid_argument) for other datatypes and numbers of dimensions.
MatrixView matrix_of(const Tensor& tensor);
std::span<const std::int64_t> integers_of(const Tensor& tensor);

}  // namespace maxdot::server
