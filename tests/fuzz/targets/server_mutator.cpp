// How inputs of fuzz_server_messages become others, and the messages that they begin with.

#include <nlohmann/json.hpp>

#include "../../server/fuzz/mutate.hpp"
#include "server/grpc/convert.hpp"
#include "server_input.hpp"

namespace fuzz {
namespace {

using maxdot::server::fuzz::nasty;
using nlohmann::json;
using ServerRandom = maxdot::server::fuzz::Random;

constexpr std::size_t kDimension = 8;  // of the subject of tests/server/fuzz

std::vector<float> values(Random& random, std::size_t count) {
  std::vector<float> made(count);
  for (float& value : made) value = random.gaussian();
  return made;
}

json input_of(const char* name, const char* type, const json& shape) {
  return {{"name", name}, {"datatype", type}, {"shape", shape}};
}

// A message with one tensor of floats and one of ids, in JSON or raw behind it.
ServerInput http_message(Random& random, MessageKind kind) {
  const std::size_t n = 1 + random.below(3);
  const bool infer = kind == MessageKind::http_infer;
  std::vector<float> floats = values(random, n * kDimension);
  std::vector<std::int64_t> ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<std::int64_t>(i * 7);
  json rows = input_of(infer ? "queries" : "rows", "FP32", json::array({n, kDimension}));
  json numbers = input_of(infer ? "exclude_ids" : "ids", "INT64", json::array({n}));
  std::string raw;
  if (random.one_in(2)) {
    rows["data"] = floats;
  } else {
    rows["parameters"] = {{"binary_data_size", floats.size() * sizeof(float)}};
    raw.assign(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float));
  }
  numbers["data"] = ids;
  json document = {{"inputs", json::array()}};
  if (kind != MessageKind::http_remove) document["inputs"].push_back(rows);
  if (!infer || random.one_in(2)) document["inputs"].push_back(numbers);
  if (infer && document["inputs"].size() == 2) {
    json offsets = input_of("exclude_offsets", "INT64", json::array({n + 1}));
    std::vector<std::int64_t> each(n + 1);
    for (std::size_t i = 0; i <= n; ++i) each[i] = static_cast<std::int64_t>(i);
    offsets["data"] = each;
    document["inputs"].push_back(offsets);
  }
  if (infer) document["parameters"] = {{"k", 1 + random.below(20)}, {"metric", "dot"}};
  if (infer && random.one_in(2)) document["outputs"] = {{{"name", "ids"}}, {{"name", "scores64"}}};
  ServerInput made;
  made.kind = kind;
  made.body = document.dump();
  if (!raw.empty()) made.json_bytes = std::to_string(made.body.size());
  if (kind != MessageKind::http_remove) made.body += raw;
  return made;
}

std::string infer_message(Random& random) {
  inference::ModelInferRequest message;
  message.set_model_name("m");
  (*message.mutable_parameters())["k"].set_int64_param(static_cast<std::int64_t>(random.below(20)));
  const std::size_t n = 1 + random.below(3);
  auto& input = *message.add_inputs();
  input.set_name("queries");
  input.set_datatype("FP32");
  input.add_shape(static_cast<std::int64_t>(n));
  input.add_shape(kDimension);
  const std::vector<float> floats = values(random, n * kDimension);
  if (random.one_in(2)) {
    input.mutable_contents()->mutable_fp32_contents()->Add(floats.begin(), floats.end());
  } else {
    message.add_raw_input_contents(
        std::string(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float)));
  }
  if (random.one_in(2)) message.add_outputs()->set_name("counts");
  return message.SerializeAsString();
}

ServerInput fresh_message(Random& random) {
  ServerInput made;
  made.kind = static_cast<MessageKind>(random.below(kMessageKinds));
  switch (made.kind) {
    case MessageKind::grpc_infer:
      made.body = infer_message(random);
      return made;
    case MessageKind::grpc_upsert: {
      maxdot::v1::UpsertRequest message;
      message.set_model("m");
      message.add_ids(4);
      const std::vector<float> floats = values(random, kDimension);
      message.mutable_rows()->Add(floats.begin(), floats.end());
      made.body = message.SerializeAsString();
      return made;
    }
    case MessageKind::grpc_remove: {
      maxdot::v1::RemoveRequest message;
      message.set_model("m");
      message.add_ids(static_cast<std::int64_t>(random.below(9)));
      made.body = message.SerializeAsString();
      return made;
    }
    case MessageKind::path:
      made.body = random.one_in(2) ? "/v2/models/m/versions/1/infer" : "/v2/models/m%20n/ready?x=1";
      return made;
    default:
      return http_message(random, made.kind);
  }
}

// One field of a message that can be read becomes what it should not be.
void change_fields(ServerRandom& random, std::string& body) {
  constexpr const char* kNames[] = {
      "FP16",      "FP64",      "INT64", "BYTES", "queries", "exclude_ids", "exclude_offsets",
      "allow_ids", "item_mask", ""};
  inference::ModelInferRequest message;
  if (!message.ParseFromString(body) || message.inputs_size() == 0)
    return maxdot::server::fuzz::mutate(random, body);
  auto& input = *message.mutable_inputs(
      static_cast<int>(random() % static_cast<unsigned>(message.inputs_size())));
  const char* name = kNames[random() % std::size(kNames)];
  switch (random() % 8) {
    case 0:
      if (input.shape_size() != 0) input.set_shape(0, nasty(random));
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
        maxdot::server::fuzz::mutate(random, *message.mutable_raw_input_contents(0));
      break;
    case 5:
      (*message.mutable_parameters())["k"].set_int64_param(nasty(random));
      break;
    case 6:
      *message.add_inputs() = input;
      break;
    default:
      input.mutable_contents()->add_int64_contents(nasty(random));
      break;
  }
  body = message.SerializeAsString();
}

}  // namespace
}  // namespace fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  using namespace fuzz;
  Random random(seed);
  ServerRandom server_random(seed);
  if (size < 4 || random.one_in(50)) return hand_over(fresh_message(random).bytes(), data, most);
  if (random.one_in(4)) return LLVMFuzzerMutate(data, size, most);
  ServerInput input({data, size});
  if (random.one_in(12)) {
    input.json_bytes = std::to_string(
        random.one_in(2) ? nasty(server_random) : static_cast<std::int64_t>(input.body.size()));
  }
  if (input.kind == MessageKind::grpc_infer && random.one_in(2)) {
    change_fields(server_random, input.body);
  } else {
    maxdot::server::fuzz::mutate(server_random, input.body);
  }
  return hand_over(input.bytes(), data, most);
}
