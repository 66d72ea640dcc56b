// Answers as bodies of HTTP.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "server/http/convert.hpp"

namespace maxdot::server {
namespace {

using nlohmann::json;

template <typename T>
OutputTensor output(const char* name, DataType type, std::vector<T> values, bool binary) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {{name, type, {count}, Elements::own(std::move(values))}, binary};
}

TEST_CASE("numbers read back are the same, bit for bit") {
  const std::vector<float> singles = {0.1F, -0.0F, std::numeric_limits<float>::denorm_min(),
                                      std::numeric_limits<float>::max(), 1.0F / 3.0F};
  const std::vector<double> doubles = {0.1, std::nextafter(1.0, 2.0), 5e-324,
                                       1.7976931348623157e308};
  const std::vector<std::int64_t> integers = {std::numeric_limits<std::int64_t>::min(), -1, 0,
                                              std::numeric_limits<std::int64_t>::max()};
  InferAnswer answer{"m", "v", "\"\n", {}};
  answer.outputs.push_back(output("scores", DataType::fp32, singles, false));
  answer.outputs.push_back(output("scores64", DataType::fp64, doubles, false));
  answer.outputs.push_back(output("ids", DataType::int64, integers, false));
  const HttpResponse response = response_of(answer);
  CHECK_FALSE(response.json_bytes.has_value());
  const json read = json::parse(response.body);
  CHECK(read["id"] == "\"\n");
  const auto values = read["outputs"][0]["data"].get<std::vector<float>>();
  for (std::size_t i = 0; i < singles.size(); ++i) {
    CHECK(values[i] == singles[i]);
    CHECK(std::signbit(values[i]) == std::signbit(singles[i]));
  }
  CHECK(read["outputs"][1]["data"].get<std::vector<double>>() == doubles);
  CHECK(read["outputs"][2]["data"].get<std::vector<std::int64_t>>() == integers);
}

TEST_CASE("the score of what is no result is null in JSON, and itself in raw data") {
  const float none = -std::numeric_limits<float>::infinity();
  InferAnswer answer{"m", "v", "", {}};
  answer.outputs.push_back(output<float>("scores", DataType::fp32, {none, -none}, false));
  CHECK(json::parse(response_of(answer).body)["outputs"][0]["data"] == json({nullptr, nullptr}));
  answer.outputs[0].binary = true;
  const HttpResponse raw = response_of(answer);
  REQUIRE(raw.json_bytes.has_value());
  CHECK(raw.body.size() == *raw.json_bytes + 8);
  const json head = json::parse(raw.body.substr(0, *raw.json_bytes));
  CHECK(head["outputs"][0]["parameters"]["binary_data_size"] == 8);
  CHECK_FALSE(head.contains("id"));
  CHECK(raw.body.substr(*raw.json_bytes) == answer.outputs[0].tensor.elements.text());
}

}  // namespace
}  // namespace maxdot::server
