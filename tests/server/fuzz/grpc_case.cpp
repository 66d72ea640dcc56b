#include "grpc_case.hpp"

#include "mutate.hpp"
#include "server/base/request_error.hpp"
#include "server/grpc/convert.hpp"

namespace maxdot::server::fuzz {
namespace {

using inference::ModelInferRequest;

void fill(const std::vector<float>& values, inference::InferTensorContents& contents) {
  contents.mutable_fp32_contents()->Add(values.begin(), values.end());
}

void fill(const std::vector<std::int64_t>& values, inference::InferTensorContents& contents) {
  contents.mutable_int64_contents()->Add(values.begin(), values.end());
}

template <typename T>
void add(ModelInferRequest& message, bool raw, const std::string& name, const char* type,
         const std::vector<std::int64_t>& shape, const std::vector<T>& values) {
  auto& input = *message.add_inputs();
  input.set_name(name);
  input.set_datatype(type);
  input.mutable_shape()->Add(shape.begin(), shape.end());
  if (raw) {
    message.add_raw_input_contents(
        std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  } else {
    fill(values, *input.mutable_contents());
  }
}

void add(ModelInferRequest& message, bool raw, const std::string& kind,
         const std::optional<OwnedIdLists>& lists) {
  if (!lists) return;
  const auto count = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
  add(message, raw, kind + "_ids", "INT64", {count(lists->ids)}, lists->ids);
  add(message, raw, kind + "_offsets", "INT64", {count(lists->offsets)}, lists->offsets);
}

ModelInferRequest encoded(Random& random, const Subject& subject, const Case& asked) {
  ModelInferRequest message;
  message.set_model_name("m");
  (*message.mutable_parameters())["k"].set_int64_param(static_cast<std::int64_t>(asked.k));
  if (asked.metric)
    (*message.mutable_parameters())["metric"].set_string_param(to_string(*asked.metric));
  const bool raw = one_in(random, 2);
  const auto d = static_cast<std::int64_t>(subject.index.dimension());
  add(message, raw, "queries", "FP32", {static_cast<std::int64_t>(asked.n), d}, asked.queries);
  add(message, raw, "exclude", asked.exclude);
  add(message, raw, "allow", asked.allow);
  for (const std::string& name : asked.outputs) message.add_outputs()->set_name(name);
  return message;
}

std::optional<InferAnswer> send(const Subject& subject, const ModelInferRequest& message) {
  std::optional<InferAnswer> made;
  try {
    InferRequest decoded = request_of(message);
    made = answer(subject, decoded);
  } catch (const RequestError& error) {
    require(status_of(error).error_code() != grpc::StatusCode::INTERNAL,
            "a request is refused for what it holds");
    return std::nullopt;
  }
  if (!made) return made;
  for (const bool typed : {false, true}) {
    inference::ModelInferResponse response;
    write(*made, typed, response);
    inference::ModelInferResponse read;
    require(read.ParseFromString(response.SerializeAsString()), "the answer is a message");
    require(read.raw_output_contents_size() == (typed ? 0 : read.outputs_size()),
            "contents are all raw or all typed");
  }
  return made;
}

// One field becomes what it should not be.
void damage(Random& random, ModelInferRequest& message) {
  auto& input = *message.mutable_inputs(
      static_cast<int>(below(random, static_cast<std::size_t>(message.inputs_size()))));
  constexpr const char* kNames[] = {"FP16", "FP64", "INT64", "BYTES", "queries", "allow_ids", ""};
  const char* name = kNames[below(random, std::size(kNames))];
  switch (below(random, 9)) {
    case 0:
      if (input.shape_size() != 0)
        input.set_shape(
            static_cast<int>(below(random, static_cast<std::size_t>(input.shape_size()))),
            nasty(random));
      break;
    case 1:
      input.add_shape(nasty(random));
      break;
    case 2:
      input.set_datatype(name);
      break;
    case 3:
      input.set_name(name);
      break;
    case 4:
      if (message.raw_input_contents_size() != 0)
        mutate(random, *message.mutable_raw_input_contents(0));
      break;
    case 5:
      (*message.mutable_parameters())["k"].set_int64_param(nasty(random));
      break;
    case 6:
      *message.add_inputs() = input;
      break;
    case 7:
      input.mutable_contents()->add_int64_contents(nasty(random));
      break;
    default:
      for (auto& offset : *input.mutable_contents()->mutable_int64_contents()) {
        if (one_in(random, 4)) offset = nasty(random);
      }
      break;
  }
}

}  // namespace

int run_grpc(Random& random, const Subject& subject, const Case& asked) {
  const ModelInferRequest message = encoded(random, subject, asked);
  const std::optional<InferAnswer> right = send(subject, message);
  require(right.has_value(), "a request that is right is answered");
  require_right(subject, asked, *right);
  int answered = 1;
  for (int turn = 0; turn < 4; ++turn) {
    ModelInferRequest damaged = message;
    if (turn % 2 == 0) {
      damage(random, damaged);
    } else {
      std::string bytes = message.SerializeAsString();
      mutate(random, bytes);
      if (!damaged.ParseFromString(bytes)) continue;  // gRPC refuses it
    }
    if (send(subject, damaged)) ++answered;
  }
  return answered;
}

}  // namespace maxdot::server::fuzz
