#include "server/infer/tensor.hpp"

#include <cstring>
#include <limits>

#include "server/base/request_error.hpp"

namespace maxdot::server {
namespace {

constexpr std::size_t kAlignment = 8;  // of the widest datatype

}  // namespace

const char* to_string(DataType type) noexcept {
  switch (type) {
    case DataType::fp16:
      return "FP16";
    case DataType::fp32:
      return "FP32";
    case DataType::fp64:
      return "FP64";
    case DataType::int64:
      break;
  }
  return "INT64";
}

std::string config_name(DataType type) { return std::string("TYPE_") + to_string(type); }

std::size_t size_of(DataType type) noexcept {
  switch (type) {
    case DataType::fp16:
      return 2;
    case DataType::fp32:
      return 4;
    case DataType::fp64:
    case DataType::int64:
      break;
  }
  return 8;
}

DataType data_type_of(const std::string& name, const std::string& tensor) {
  for (const DataType type : {DataType::fp16, DataType::fp32, DataType::fp64, DataType::int64}) {
    if (name == to_string(type)) return type;
  }
  throw RequestError(Code::invalid_argument,
                     "input " + in_quotes(tensor) + ": datatype " + in_quotes(name) +
                         " is none that an input has; send FP32, FP16 or INT64");
}

Elements Elements::of_bytes(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0)
    return view(std::span<const char>(bytes.data(), bytes.size()));
  // The memory of a vector of this type is aligned as it is; the last one may have bytes to spare.
  std::vector<std::uint64_t> copy((bytes.size() + sizeof(std::uint64_t) - 1) /
                                  sizeof(std::uint64_t));
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  Elements elements = own(std::move(copy));
  elements.bytes_ = elements.bytes_.first(bytes.size());
  return elements;
}

void check_size(const Tensor& tensor) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t bytes = size_of(tensor.type);
  bool fits = true;
  bool empty = false;
  for (const std::int64_t size : tensor.shape) {
    if (size < 0) {
      throw RequestError(Code::invalid_argument, "input " + in_quotes(tensor.name) +
                                                     ": a size of " + std::to_string(size) +
                                                     " in its shape");
    }
    const auto count = static_cast<std::uint64_t>(size);
    empty = empty || count == 0;
    fits = fits && (count == 0 || bytes <= kMost / count);
    if (fits) bytes *= count;
  }
  if (empty) bytes = 0;
  if ((fits || empty) && bytes == tensor.elements.bytes()) return;
  std::string shape;
  for (const std::int64_t size : tensor.shape) {
    if (shape.size() > 80) break;  // a message stays a line
    shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  }
  throw RequestError(Code::invalid_argument, "input " + in_quotes(tensor.name) + ": has " +
                                                 std::to_string(tensor.elements.bytes()) +
                                                 " bytes, which do not fill [" + shape + "] of " +
                                                 to_string(tensor.type));
}

MatrixView matrix_of(const Tensor& tensor) {
  if (tensor.type != DataType::fp32 && tensor.type != DataType::fp16) {
    throw RequestError(Code::invalid_argument, "input " + in_quotes(tensor.name) + ": datatype " +
                                                   to_string(tensor.type) + ", send FP32 or FP16");
  }
  if (tensor.shape.size() != 2) {
    throw RequestError(Code::invalid_argument, "input " + in_quotes(tensor.name) + ": has " +
                                                   std::to_string(tensor.shape.size()) +
                                                   " dimensions, send [n, d]");
  }
  const auto rows = static_cast<std::size_t>(tensor.shape[0]);
  const auto cols = static_cast<std::size_t>(tensor.shape[1]);
  const void* values = tensor.elements.data();
  if (tensor.type == DataType::fp32)
    return MatrixView::f32(static_cast<const float*>(values), rows, cols);
  return MatrixView::f16(static_cast<const std::uint16_t*>(values), rows, cols);
}

std::span<const std::int64_t> integers_of(const Tensor& tensor) {
  if (tensor.type != DataType::int64) {
    throw RequestError(Code::invalid_argument, "input " + in_quotes(tensor.name) + ": datatype " +
                                                   to_string(tensor.type) + ", send INT64");
  }
  if (tensor.shape.size() != 1) {
    throw RequestError(Code::invalid_argument, "input " + in_quotes(tensor.name) + ": has " +
                                                   std::to_string(tensor.shape.size()) +
                                                   " dimensions, send one");
  }
  return tensor.elements.as<std::int64_t>();
}

}  // namespace maxdot::server
