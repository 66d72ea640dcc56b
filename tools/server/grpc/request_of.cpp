// A ModelInferRequest as an InferRequest.
#include <limits>

#include "server/grpc/convert.hpp"

namespace maxdot::server {
namespace {

using google::protobuf::Map;
using inference::InferParameter;

Parameter parameter_of(const std::string& name, const InferParameter& value) {
  switch (value.parameter_choice_case()) {
    case InferParameter::kBoolParam:
      return value.bool_param();
    case InferParameter::kInt64Param:
      return std::int64_t{value.int64_param()};
    case InferParameter::kUint64Param:
      if (value.uint64_param() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()})
        return static_cast<std::int64_t>(value.uint64_param());
      throw RequestError(Code::invalid_argument, "parameter " + in_quotes(name) + ": " +
                                                     std::to_string(value.uint64_param()) +
                                                     " is too large");
    case InferParameter::kDoubleParam:
      return value.double_param();
    case InferParameter::kStringParam:
      return value.string_param();
    case InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  throw RequestError(Code::invalid_argument, "parameter " + in_quotes(name) + ": has no value");
}

// Such as shared memory: whoever ignored it would answer another question.
void refuse_parameters(const Map<std::string, InferParameter>& parameters,
                       const std::string& tensor) {
  if (parameters.empty()) return;
  throw RequestError(Code::unsupported, "tensor " + in_quotes(tensor) + ": parameter " +
                                            in_quotes(parameters.begin()->first) +
                                            " is not offered; send and take the data itself");
}

template <typename T>
Elements view(const google::protobuf::RepeatedField<T>& values) {
  return Elements::view(std::span<const T>(values.data(), static_cast<std::size_t>(values.size())));
}

Elements contents_of(const inference::ModelInferRequest::InferInputTensor& input, DataType type) {
  const inference::InferTensorContents& contents = input.contents();
  switch (type) {
    case DataType::fp32:
      return view(contents.fp32_contents());
    case DataType::fp64:
      return view(contents.fp64_contents());
    case DataType::int64:
      return view(contents.int64_contents());
    case DataType::fp16:
      break;
  }
  throw RequestError(Code::invalid_argument, "input " + in_quotes(input.name()) +
                                                 ": FP16 has no typed contents; send it raw");
}

}  // namespace

InferRequest request_of(const inference::ModelInferRequest& message) {
  InferRequest request;
  request.model = message.model_name();
  request.version = message.model_version();
  request.id = message.id();
  for (const auto& [name, value] : message.parameters())
    request.parameters.emplace(name, parameter_of(name, value));
  const bool raw = message.raw_input_contents_size() != 0;
  if (raw && message.raw_input_contents_size() != message.inputs_size()) {
    throw RequestError(Code::invalid_argument,
                       "raw_input_contents: there are " +
                           std::to_string(message.raw_input_contents_size()) + " for " +
                           std::to_string(message.inputs_size()) + " inputs; send one for each");
  }
  for (int i = 0; i < message.inputs_size(); ++i) {
    const auto& input = message.inputs(i);
    refuse_parameters(input.parameters(), input.name());
    Tensor tensor{input.name(), data_type_of(input.datatype(), input.name()), {}, {}};
    tensor.shape.assign(input.shape().begin(), input.shape().end());
    tensor.elements =
        raw ? Elements::of_bytes(message.raw_input_contents(i)) : contents_of(input, tensor.type);
    request.inputs.push_back(std::move(tensor));
  }
  for (const auto& output : message.outputs()) {
    refuse_parameters(output.parameters(), output.name());
    request.outputs.push_back({output.name()});
  }
  return request;
}

}  // namespace maxdot::server
