// An UpsertRequest or RemoveRequest as a WriteRequest.
#include "server/grpc/convert.hpp"

namespace maxdot::server {
namespace {

template <typename T>
Elements view(const google::protobuf::RepeatedField<T>& values) {
  return Elements::view(std::span<const T>(values.data(), static_cast<std::size_t>(values.size())));
}

Tensor ids_of(const google::protobuf::RepeatedField<std::int64_t>& ids) {
  return {"ids", DataType::int64, {ids.size()}, view(ids)};
}

// The message tells no dimension: it follows from the number of ids.
Tensor rows_of(const v1::UpsertRequest& message) {
  const int forms = int{message.rows_size() != 0} + int{!message.rows_fp32().empty()} +
                    int{!message.rows_fp16().empty()};
  if (forms != 1) {
    throw RequestError(Code::invalid_argument,
                       "send the values in one of 'rows', 'rows_fp32' and 'rows_fp16'; " +
                           std::to_string(forms) + " of them hold any");
  }
  Tensor rows{"rows", DataType::fp32, {}, {}};
  if (!message.rows_fp16().empty()) {
    rows.type = DataType::fp16;
    rows.elements = Elements::of_bytes(message.rows_fp16());
  } else if (!message.rows_fp32().empty()) {
    rows.elements = Elements::of_bytes(message.rows_fp32());
  } else {
    rows.elements = view(message.rows());
  }
  const std::int64_t n = message.ids_size();
  const auto values = static_cast<std::int64_t>(rows.elements.bytes() / size_of(rows.type));
  rows.shape = {n, n == 0 ? 0 : values / n};
  return rows;
}

}  // namespace

WriteRequest request_of(const v1::UpsertRequest& message) {
  WriteRequest request;
  request.model = message.model();
  request.inputs.push_back(ids_of(message.ids()));
  request.inputs.push_back(rows_of(message));
  return request;
}

WriteRequest request_of(const v1::RemoveRequest& message) {
  WriteRequest request;
  request.model = message.model();
  request.inputs.push_back(ids_of(message.ids()));
  return request;
}

}  // namespace maxdot::server
