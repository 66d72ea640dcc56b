// Bodies of HTTP as requests.
#include <nlohmann/json.hpp>

#include "refused.hpp"
#include "server/http/convert.hpp"
#include "server/http/request_json.hpp"

namespace maxdot::server {
namespace {

using test::check_refused;

const Path kPath = {Action::infer, "m", "3"};
const Limits kLimits = {.message_bytes = 4'000, .k = 100, .queries = 1'000};

InferRequest decode(const std::string& body, const std::string& json_bytes = "") {
  HttpRequest request;
  request.body = body;
  request.json_bytes = json_bytes;
  // What views the body must not outlive it, so it is looked at here.
  InferRequest made = request_of(kPath, request, kLimits);
  for (Tensor& tensor : made.inputs) {
    std::vector<char> copy(tensor.elements.text().begin(), tensor.elements.text().end());
    tensor.elements = Elements::own(std::move(copy));
  }
  return made;
}

std::string input(const std::string& data, const std::string& type = "FP32",
                  const std::string& shape = "[2, 2]") {
  return R"({"inputs":[{"name":"queries","datatype":")" + type + R"(","shape":)" + shape +
         R"(,"data":)" + data + "}]}";
}

std::vector<float> floats(const InferRequest& request) {
  const auto values = request.inputs.at(0).elements.as<float>();
  return {values.begin(), values.end()};
}

TEST_CASE("the data of a tensor may be nested, or come before what it is") {
  const std::vector<float> expected = {1.0F, -2.5F, 3e10F, 0.1F};
  CHECK(floats(decode(input("[1, -2.5, 3e10, 0.1]"))) == expected);
  CHECK(floats(decode(input("[[1, -2.5], [3e10, 0.1]]"))) == expected);
  CHECK(floats(decode(input("[[[1], []], [-2.5, [3e10, [[0.1]]]]]"))) == expected);
  CHECK(floats(decode(R"({"inputs":[{"data":[1,-2.5,3e10,0.1],"datatype":"FP32","shape":[4],)"
                      R"("name":"queries"}]})")) == expected);
}

TEST_CASE("what is around the tensors") {
  const InferRequest made = decode(
      R"({"id":"x","parameters":{"k":3,"metric":"dot","f":1.5,"b":true,"binary_data_output":true},)"
      R"("outputs":[{"name":"ids"},{"name":"scores","parameters":{"binary_data":false}}]})");
  CHECK(made.model == "m");
  CHECK(made.version == "3");
  CHECK(made.id == "x");
  CHECK(std::get<std::int64_t>(made.parameters.at("k")) == 3);
  CHECK(std::get<std::string>(made.parameters.at("metric")) == "dot");
  CHECK(std::get<double>(made.parameters.at("f")) == 1.5);
  CHECK(std::get<bool>(made.parameters.at("b")));
  CHECK(made.parameters.size() == 4);
  REQUIRE(made.outputs.size() == 2);
  CHECK(made.outputs[0].binary);
  CHECK_FALSE(made.outputs[1].binary);
  CHECK_FALSE(decode("{}").outputs.at(0).binary);
}

TEST_CASE("whole numbers of 64 bits are kept") {
  const InferRequest made =
      decode(input("[9223372036854775807, -9223372036854775808, 0]", "INT64"));
  const auto values = made.inputs[0].elements.as<std::int64_t>();
  CHECK(values[0] == std::numeric_limits<std::int64_t>::max());
  CHECK(values[1] == std::numeric_limits<std::int64_t>::min());
  for (const char* data : {"[1.0]", "[1e3]", "[9223372036854775808]", "[1, 2.5]"})
    check_refused([&] { decode(input(data, "INT64")); }, Code::invalid_argument, "no INT64");
}

TEST_CASE("of a key that is given twice the last counts, of inputs as of data") {
  const std::string one = R"({"name":"queries","datatype":"FP32","shape":[1],"data":[1]})";
  const std::string two =
      R"({"name":"queries","datatype":"FP32","shape":[1],"data":[5],"data":[2]})";
  const InferRequest made =
      decode("{\"inputs\":[" + one + "," + one + "],\"inputs\":[" + two + "]}");
  REQUIRE(made.inputs.size() == 1);
  CHECK(floats(made) == std::vector<float>{2.0F});
  // Data elsewhere belongs to no tensor.
  check_refused(
      [] {
        decode(R"({"outputs":[{"name":"ids","data":[1]}],"inputs":[{"name":"a",)"
               R"("datatype":"FP32","shape":[1],"x":{"data":[1]}}]})");
      },
      Code::invalid_argument, "no data");
}

TEST_CASE("raw data stands after the JSON in the order of the inputs") {
  const std::string json =
      R"({"inputs":[{"name":"a","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}},)"
      R"({"name":"b","datatype":"INT64","shape":[1],"data":[5]},)"
      R"({"name":"c","datatype":"INT64","shape":[1],"parameters":{"binary_data_size":8}}]})";
  const float first = 1.5F;
  const std::int64_t last = -7;
  std::string body = json;
  body.append(reinterpret_cast<const char*>(&first), 4);
  body.append(reinterpret_cast<const char*>(&last), 8);
  const InferRequest made = decode(body, std::to_string(json.size()));
  CHECK(made.inputs[0].elements.as<float>()[0] == 1.5F);
  CHECK(made.inputs[1].elements.as<std::int64_t>()[0] == 5);
  CHECK(made.inputs[2].elements.as<std::int64_t>()[0] == -7);
  check_refused([&] { decode(body + "x", std::to_string(json.size())); }, Code::invalid_argument,
                "1 bytes after the JSON");
  body.pop_back();
  check_refused([&] { decode(body, std::to_string(json.size())); }, Code::invalid_argument,
                "7 bytes are left");
}

TEST_CASE("nesting without an end is refused, not followed") {
  for (const std::size_t depth : {std::size_t{40}, std::size_t{3'000}, std::size_t{1'000'000}}) {
    const std::string open(depth, '[');
    const std::string closed = open + std::string(depth, ']');
    for (const std::string& text : {open, closed, input(open), input(closed)})
      check_refused([&] { decode(text); }, Code::invalid_argument, "nested deeper");
    check_refused([&] { parse_document(open); }, Code::invalid_argument, "nested deeper");
  }
  const std::string within(20, '[');
  CHECK(floats(decode(input(within + std::string(20, ']')))).empty());
}

TEST_CASE("what is kept of a document is bounded, and empty lists in data are not kept") {
  std::string many = "[]";
  for (int i = 0; i < 10'000; ++i) many += ",[]";
  check_refused([&] { decode("{\"inputs\":[" + many + "]}"); }, Code::invalid_argument, "10000");
  check_refused([&] { parse_document("[" + many + "]"); }, Code::invalid_argument, "10000");
  CHECK(floats(decode(input("[" + many + ",1]"))) == std::vector<float>{1.0F});
}

TEST_CASE("there are no more numbers than a message may have bytes for") {
  std::string data = "[0";
  for (int i = 1; i < 1'000; ++i) data += ",0";
  CHECK(floats(decode(input(data + "]"))).size() == 1'000);
  check_refused([&] { decode(input(data + ",0]")); }, Code::too_large, "--max-message-bytes");
}

TEST_CASE("a message is a line of ASCII whatever the client wrote") {
  check_refused([] { decode("{\"a\x01\xff\":"); }, Code::invalid_argument, "no JSON");
  check_refused([] { decode(input("[1]", "\\u00e9\\n")); }, Code::invalid_argument, "datatype");
}

TEST_CASE("documents of other requests") {
  CHECK(parse_document("{\"ready\": true}")["ready"] == true);
  check_refused([] { parse_document("{"); }, Code::invalid_argument, "no JSON");
}

}  // namespace
}  // namespace maxdot::server
