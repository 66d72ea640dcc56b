#include "http_case.hpp"

#include <nlohmann/json.hpp>

#include "mutate.hpp"
#include "server/base/request_error.hpp"
#include "server/http/convert.hpp"

namespace maxdot::server::fuzz {
namespace {

using nlohmann::json;

// A body in the making.
class Body {
 public:
  explicit Body(Random& random) : random_(random) {}

  template <typename T>
  void add(const char* name, const char* type, std::vector<std::int64_t> shape,
           const std::vector<T>& values) {
    json input = {{"name", name}, {"datatype", type}, {"shape", std::move(shape)}};
    if (one_in(random_, 2)) {
      input["data"] = values;
    } else {
      input["parameters"] = {{"binary_data_size", values.size() * sizeof(T)}};
      raw_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    }
    inputs_.push_back(std::move(input));
  }

  void add(const std::string& kind, const std::optional<OwnedIdLists>& lists) {
    if (!lists) return;
    const auto count = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
    add((kind + "_ids").c_str(), "INT64", {count(lists->ids)}, lists->ids);
    add((kind + "_offsets").c_str(), "INT64", {count(lists->offsets)}, lists->offsets);
  }

  HttpRequest request(const Case& asked) {
    json document = {{"inputs", inputs_}, {"parameters", {{"k", asked.k}}}};
    if (asked.metric) document["parameters"]["metric"] = to_string(*asked.metric);
    if (one_in(random_, 2)) document["parameters"]["binary_data_output"] = one_in(random_, 2);
    for (const std::string& name : asked.outputs) {
      json output = {{"name", name}};
      if (one_in(random_, 2)) output["parameters"] = {{"binary_data", one_in(random_, 2)}};
      document["outputs"].push_back(output);
    }
    HttpRequest made;
    made.body = document.dump();
    if (!raw_.empty() || one_in(random_, 2)) made.json_bytes = std::to_string(made.body.size());
    made.body += raw_;
    return made;
  }

 private:
  Random& random_;
  json inputs_ = json::array();
  std::string raw_;
};

HttpRequest encoded(Random& random, const Subject& subject, const Case& asked) {
  Body body(random);
  const auto d = static_cast<std::int64_t>(subject.index.dimension());
  body.add("queries", "FP32", {static_cast<std::int64_t>(asked.n), d}, asked.queries);
  body.add("exclude", asked.exclude);
  body.add("allow", asked.allow);
  return body.request(asked);
}

// The JSON can be read, and the raw tensors fill what is after it.
void require_whole(const HttpResponse& response, const InferAnswer& answer) {
  const std::size_t json_bytes = response.json_bytes.value_or(response.body.size());
  require(json_bytes <= response.body.size(), "the JSON is within the body");
  const json document = json::parse(response.body.substr(0, json_bytes));
  require(document["outputs"].size() == answer.outputs.size(), "each output is written");
  std::size_t raw = 0;
  for (const json& output : document["outputs"]) {
    if (output.contains("parameters"))
      raw += output["parameters"]["binary_data_size"].get<std::size_t>();
  }
  require(json_bytes + raw == response.body.size(), "the raw tensors fill the rest of the body");
}

std::optional<InferAnswer> send(const Subject& subject, const HttpRequest& request) {
  std::optional<InferAnswer> made;
  try {
    InferRequest decoded = request_of({Action::infer, "m", ""}, request, subject.limits);
    made = answer(subject, decoded);
  } catch (const RequestError& error) {
    require(error.code() != Code::internal, "a request is refused for what it holds");
    return std::nullopt;
  }
  if (made) require_whole(response_of(*made), *made);
  return made;
}

}  // namespace

int run_http(Random& random, const Subject& subject, const Case& asked) {
  HttpRequest request = encoded(random, subject, asked);
  const std::optional<InferAnswer> right = send(subject, request);
  require(right.has_value(), "a request that is right is answered");
  require_right(subject, asked, *right);
  int answered = 1;
  for (int turn = 0; turn < 4; ++turn) {
    HttpRequest damaged = request;
    if (one_in(random, 8)) damaged.json_bytes = std::to_string(nasty(random));
    if (one_in(random, 16)) mutate(random, damaged.json_bytes);
    mutate(random, damaged.body);
    if (send(subject, damaged)) ++answered;
  }
  return answered;
}

}  // namespace maxdot::server::fuzz
