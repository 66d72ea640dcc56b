// Messages of gRPC as requests, and answers as messages.

#include "refused.hpp"
#include "server/grpc/convert.hpp"

namespace maxdot::server {
namespace {

using test::check_refused;

inference::ModelInferRequest message() {
  inference::ModelInferRequest made;
  made.set_model_name("m");
  auto& input = *made.add_inputs();
  input.set_name("queries");
  input.set_datatype("FP32");
  input.add_shape(1);
  input.add_shape(2);
  return made;
}

TEST_CASE("raw and typed contents are the same tensors") {
  const float values[] = {1.5F, -2.0F};
  inference::ModelInferRequest raw = message();
  raw.add_raw_input_contents(values, sizeof(values));
  inference::ModelInferRequest typed = message();
  for (const float value : values)
    typed.mutable_inputs(0)->mutable_contents()->add_fp32_contents(value);
  for (const auto* sent : {&raw, &typed}) {
    const InferRequest request = request_of(*sent);
    CHECK(request.model == "m");
    CHECK(request.inputs.at(0).elements.as<float>()[1] == -2.0F);
    CHECK(request.inputs[0].shape == std::vector<std::int64_t>{1, 2});
  }
}

TEST_CASE("each kind of parameter") {
  inference::ModelInferRequest sent = message();
  auto& parameters = *sent.mutable_parameters();
  parameters["b"].set_bool_param(true);
  parameters["i"].set_int64_param(-3);
  parameters["u"].set_uint64_param(3);
  parameters["d"].set_double_param(0.5);
  parameters["s"].set_string_param("x");
  const InferRequest request = request_of(sent);
  CHECK(std::get<bool>(request.parameters.at("b")));
  CHECK(std::get<std::int64_t>(request.parameters.at("i")) == -3);
  CHECK(std::get<std::int64_t>(request.parameters.at("u")) == 3);
  CHECK(std::get<double>(request.parameters.at("d")) == 0.5);
  CHECK(std::get<std::string>(request.parameters.at("s")) == "x");
  parameters["u"].set_uint64_param(std::uint64_t{1} << 63);
  check_refused([&] { request_of(sent); }, Code::invalid_argument, "'u'");
  parameters["u"].clear_parameter_choice();
  check_refused([&] { request_of(sent); }, Code::invalid_argument, "no value");
}

TEST_CASE("what is not offered is refused, not ignored") {
  inference::ModelInferRequest sent = message();
  sent.add_outputs()->set_name("ids");
  (*sent.mutable_outputs(0)->mutable_parameters())["classification"].set_int64_param(3);
  check_refused([&] { request_of(sent); }, Code::unsupported, "classification");
  (*sent.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("x");
  check_refused([&] { request_of(sent); }, Code::unsupported, "shared_memory_region");
  inference::ModelInferRequest more = message();
  more.add_raw_input_contents("12345678");
  more.add_raw_input_contents("");
  check_refused([&] { request_of(more); }, Code::invalid_argument, "raw_input_contents");
  inference::ModelInferRequest other = message();
  other.mutable_inputs(0)->set_datatype("BF16");
  check_refused([&] { request_of(other); }, Code::invalid_argument, "BF16");
}

TEST_CASE("answers in the form of the request") {
  InferAnswer answer{"m", "v", "7", {}};
  const auto add = [&](const char* name, DataType type, Elements elements) {
    answer.outputs.push_back({{name, type, {1, 2}, std::move(elements)}, true});
  };
  add("ids", DataType::int64, Elements::own(std::vector<std::int64_t>{4, -1}));
  add("scores", DataType::fp32, Elements::own(std::vector<float>{0.5F, 0.25F}));
  add("scores64", DataType::fp64, Elements::own(std::vector<double>{0.5, 0.25}));
  inference::ModelInferResponse typed;
  write(answer, true, typed);
  CHECK(typed.model_name() == "m");
  CHECK(typed.model_version() == "v");
  CHECK(typed.id() == "7");
  CHECK(typed.raw_output_contents_size() == 0);
  CHECK(typed.outputs(0).contents().int64_contents(1) == -1);
  CHECK(typed.outputs(1).contents().fp32_contents(1) == 0.25F);
  CHECK(typed.outputs(2).contents().fp64_contents(0) == 0.5);
  inference::ModelInferResponse raw;
  write(answer, false, raw);
  REQUIRE(raw.raw_output_contents_size() == 3);
  CHECK(raw.raw_output_contents(1) == answer.outputs[1].tensor.elements.text());
  CHECK_FALSE(raw.outputs(0).has_contents());
  CHECK(raw.outputs(2).datatype() == "FP64");
}

TEST_CASE("metadata and configuration name the tensors that requests have") {
  const ModelInfo info{"v", 10, 7, Metric::dot, 1'000};
  inference::ModelMetadataResponse metadata;
  write("m", info, metadata);
  CHECK(metadata.inputs(0).shape(1) == 7);
  CHECK(metadata.versions(0) == "v");
  inference::ModelConfig config;
  write("m", info, config);
  CHECK(config.input_size() == metadata.inputs_size());
  CHECK(config.input(0).data_type() == inference::TYPE_FP32);
  CHECK_FALSE(config.input(0).optional());
  CHECK(config.input(1).optional());
  CHECK(config.output(2).data_type() == inference::TYPE_FP64);
}

}  // namespace
}  // namespace maxdot::server
