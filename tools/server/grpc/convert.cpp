#include "server/grpc/convert.hpp"

#include "server/base/utf8.hpp"

namespace maxdot::server {
namespace {

grpc::StatusCode status_code_of(Code code) noexcept {
  switch (code) {
    case Code::invalid_argument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::unauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case Code::not_found:
      return grpc::StatusCode::NOT_FOUND;
    case Code::too_large:
    case Code::overloaded:
    case Code::out_of_memory:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::unavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case Code::timeout:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Code::unsupported:
      return grpc::StatusCode::UNIMPLEMENTED;
    case Code::internal:
      break;
  }
  return grpc::StatusCode::INTERNAL;
}

inference::DataType data_type_of(DataType type) {
  inference::DataType value = inference::TYPE_INVALID;
  inference::DataType_Parse(config_name(type), &value);
  return value;
}

template <typename T, typename Field>
void write_values(const Elements& elements, Field& field) {
  const std::span<const T> values = elements.as<T>();
  field.Add(values.begin(), values.end());
}

void write_contents(const Tensor& tensor, inference::InferTensorContents& contents) {
  switch (tensor.type) {
    case DataType::fp32:
      return write_values<float>(tensor.elements, *contents.mutable_fp32_contents());
    case DataType::fp64:
      return write_values<double>(tensor.elements, *contents.mutable_fp64_contents());
    case DataType::int64:
      return write_values<std::int64_t>(tensor.elements, *contents.mutable_int64_contents());
    case DataType::fp16:  // no output is FP16
      break;
  }
}

void write_spec(const TensorSpec& spec, inference::ModelMetadataResponse::TensorMetadata& message) {
  message.set_name(spec.name);
  message.set_datatype(to_string(spec.type));
  message.mutable_shape()->Add(spec.shape.begin(), spec.shape.end());
}

}  // namespace

void write(const InferAnswer& answer, bool typed, inference::ModelInferResponse& message) {
  message.set_model_name(answer.model);
  message.set_model_version(answer.version);
  message.set_id(answer.id);
  for (const OutputTensor& output : answer.outputs) {
    const Tensor& tensor = output.tensor;
    auto& made = *message.add_outputs();
    made.set_name(tensor.name);
    made.set_datatype(to_string(tensor.type));
    made.mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
    if (typed) {
      write_contents(tensor, *made.mutable_contents());
    } else {
      message.add_raw_output_contents(std::string(tensor.elements.text()));
    }
  }
}

void write(const std::string& name, const ModelInfo& model,
           inference::ModelMetadataResponse& message) {
  message.set_name(name);
  message.add_versions(model.version);
  message.set_platform(kPlatform);
  for (const TensorSpec& spec : input_specs(model.dimension))
    write_spec(spec, *message.add_inputs());
  for (const TensorSpec& spec : output_specs()) write_spec(spec, *message.add_outputs());
}

void write(const std::string& name, const ModelInfo& model, inference::ModelConfig& message) {
  message.set_name(name);
  message.set_platform(kPlatform);
  message.set_backend(kPlatform);
  for (const TensorSpec& spec : input_specs(model.dimension)) {
    auto& input = *message.add_input();
    input.set_name(spec.name);
    input.set_data_type(data_type_of(spec.type));
    input.mutable_dims()->Add(spec.shape.begin(), spec.shape.end());
    input.set_optional(spec.optional);
  }
  for (const TensorSpec& spec : output_specs()) {
    auto& output = *message.add_output();
    output.set_name(spec.name);
    output.set_data_type(data_type_of(spec.type));
    output.mutable_dims()->Add(spec.shape.begin(), spec.shape.end());
  }
}

void write(const std::vector<ModelState>& models, bool ready_only,
           inference::RepositoryIndexResponse& message) {
  for (const ModelState& state : models) {
    if (ready_only && state.model == nullptr) continue;
    auto& model = *message.add_models();
    model.set_name(state.name);
    if (state.model != nullptr) model.set_version(state.model->info().version);
    model.set_state(state.model != nullptr ? "READY" : "UNAVAILABLE");
    model.set_reason(as_utf8(state.reason));
  }
}

grpc::Status status_of(const RequestError& error) {
  return {status_code_of(error.code()), error.what()};
}

}  // namespace maxdot::server
