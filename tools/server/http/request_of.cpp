// The bodies of requests: tensors in JSON, or after it.
#include <charconv>
#include <cmath>
#include <limits>

#include "server/base/request_error.hpp"
#include "server/http/convert.hpp"
#include "server/http/request_json.hpp"

namespace maxdot::server {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& message) {
  throw RequestError(Code::invalid_argument, message);
}

std::size_t json_bytes_of(const HttpRequest& request) {
  if (request.json_bytes.empty()) return request.body.size();
  std::size_t bytes = 0;
  const char* end = request.json_bytes.data() + request.json_bytes.size();
  const auto [stop, failed] = std::from_chars(request.json_bytes.data(), end, bytes);
  if (failed != std::errc() || stop != end || bytes > request.body.size()) {
    refuse("header Inference-Header-Content-Length: " + in_quotes(request.json_bytes) +
           " is no number up to the body's " + std::to_string(request.body.size()) + " bytes");
  }
  return bytes;
}

// Null: it is not there.
const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string text_of(const json& object, const char* name) {
  const json* value = member(object, name);
  if (value == nullptr) return "";
  if (!value->is_string()) refuse(std::string("'") + name + "': is no text");
  return value->get<std::string>();
}

const json& array_of(const json& object, const char* name) {
  static const json none = json::array();
  const json* value = member(object, name);
  if (value == nullptr) return none;
  if (!value->is_array()) refuse(std::string("'") + name + "': is no array");
  for (const json& element : *value) {
    if (!element.is_object()) refuse(std::string("'") + name + "': holds what is no object");
  }
  return *value;
}

const json& parameters_of(const json& object) {
  static const json none = json::object();
  const json* value = member(object, "parameters");
  if (value == nullptr) return none;
  if (!value->is_object()) refuse("'parameters': is no object");
  return *value;
}

Parameter parameter_of(const std::string& name, const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return value.get<double>();
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMost)
    refuse("parameter " + in_quotes(name) + ": is too large");
  if (value.is_number_integer()) return value.get<std::int64_t>();
  refuse("parameter " + in_quotes(name) + ": is no number, text, true or false");
}

bool flag_of(const std::string& name, const json& value) {
  if (!value.is_boolean()) refuse("parameter " + in_quotes(name) + ": is neither true nor false");
  return value.get<bool>();
}

std::vector<std::int64_t> shape_of(const json& input, const std::string& tensor) {
  const json* sizes = member(input, "shape");
  if (sizes == nullptr || !sizes->is_array())
    refuse("input " + in_quotes(tensor) + ": has no shape");
  std::vector<std::int64_t> shape;
  for (const json& size : *sizes) {
    const Parameter value = parameter_of("shape", size);
    const auto* whole = std::get_if<std::int64_t>(&value);
    if (whole == nullptr)
      refuse("input " + in_quotes(tensor) + ": its shape holds no whole number");
    shape.push_back(*whole);
  }
  return shape;
}

Elements elements_of(Numbers&& numbers, DataType type, const std::string& tensor) {
  if (type == DataType::fp64) return Elements::own(std::move(numbers.reals));
  if (type == DataType::int64) {
    if (numbers.integers.size() != numbers.reals.size())
      refuse("input " + in_quotes(tensor) + ": holds a number that is no INT64");
    return Elements::own(std::move(numbers.integers));
  }
  if (type == DataType::fp16)
    refuse("input " + in_quotes(tensor) + ": FP16 is no JSON; send it raw");
  std::vector<float> values;
  values.reserve(numbers.reals.size());
  for (const double real : numbers.reals) {
    if (std::abs(real) > double{std::numeric_limits<float>::max()})
      refuse("input " + in_quotes(tensor) + ": holds a number beyond FP32");
    values.push_back(static_cast<float>(real));
  }
  return Elements::own(std::move(values));
}

// [bytes] Of raw data after the JSON; nothing: the data is in it.
std::optional<std::size_t> raw_bytes_of(const json& input, const std::string& tensor) {
  std::optional<std::size_t> bytes;
  for (const auto& [name, value] : parameters_of(input).items()) {
    if (name != "binary_data_size") {
      throw RequestError(Code::unsupported, "input " + in_quotes(tensor) + ": parameter " +
                                                in_quotes(name) +
                                                " is not offered; send the data itself");
    }
    if (!value.is_number_unsigned())
      refuse("input " + in_quotes(tensor) + ": binary_data_size is no number of bytes");
    bytes = value.get<std::size_t>();
  }
  return bytes;
}

std::vector<Tensor> inputs_of(RequestJson& parsed, std::string_view raw) {
  std::vector<Tensor> tensors;
  std::size_t place = 0;
  for (const json& input : array_of(parsed.document, "inputs")) {
    Tensor tensor;
    tensor.name = text_of(input, "name");
    tensor.type = data_type_of(text_of(input, "datatype"), tensor.name);
    tensor.shape = shape_of(input, tensor.name);
    const std::optional<std::size_t> bytes = raw_bytes_of(input, tensor.name);
    const auto data = parsed.data.find(place++);
    if (bytes && data != parsed.data.end())
      refuse("input " + in_quotes(tensor.name) + ": has both data and binary_data_size");
    if (bytes) {
      if (*bytes > raw.size()) {
        refuse("input " + in_quotes(tensor.name) + ": binary_data_size is " +
               std::to_string(*bytes) + ", but " + std::to_string(raw.size()) +
               " bytes are left after the JSON");
      }
      tensor.elements = Elements::of_bytes(raw.substr(0, *bytes));
      raw.remove_prefix(*bytes);
    } else {
      if (data == parsed.data.end())
        refuse("input " + in_quotes(tensor.name) + ": has no data; send an array of numbers");
      tensor.elements = elements_of(std::move(data->second), tensor.type, tensor.name);
    }
    tensors.push_back(std::move(tensor));
  }
  if (!raw.empty()) refuse(std::to_string(raw.size()) + " bytes after the JSON belong to no input");
  return tensors;
}

std::vector<RequestedOutput> outputs_of(const json& document, bool binary) {
  std::vector<RequestedOutput> outputs;
  for (const json& output : array_of(document, "outputs")) {
    RequestedOutput wanted{text_of(output, "name"), binary};
    for (const auto& [name, value] : parameters_of(output).items()) {
      if (name != "binary_data") {
        throw RequestError(Code::unsupported, "output " + in_quotes(wanted.name) + ": parameter " +
                                                  in_quotes(name) + " is not offered");
      }
      wanted.binary = flag_of(name, value);
    }
    outputs.push_back(std::move(wanted));
  }
  if (outputs.empty()) {
    for (const char* usual : kUsualOutputs) outputs.push_back({usual, binary});
  }
  return outputs;
}

RequestJson parsed_of(std::string_view text, const Limits& limits) {
  RequestJson parsed = parse_request(text, limits.message_bytes / sizeof(float));
  if (!parsed.document.is_object()) refuse("the request is no JSON object");
  return parsed;
}

}  // namespace

InferRequest request_of(const Path& path, const HttpRequest& request, const Limits& limits) {
  const std::size_t json_bytes = json_bytes_of(request);
  const std::string_view body = request.body;
  RequestJson parsed = parsed_of(body.substr(0, json_bytes), limits);
  const json& document = parsed.document;
  InferRequest made;
  made.model = path.model;
  made.version = path.version;
  made.id = text_of(document, "id");
  bool binary = false;
  for (const auto& [name, value] : parameters_of(document).items()) {
    if (name == "binary_data_output") {
      binary = flag_of(name, value);
    } else {
      made.parameters.emplace(name, parameter_of(name, value));
    }
  }
  made.inputs = inputs_of(parsed, body.substr(json_bytes));
  made.outputs = outputs_of(document, binary);
  return made;
}

WriteRequest write_request_of(const Path& path, const HttpRequest& request, const Limits& limits) {
  const std::size_t json_bytes = json_bytes_of(request);
  const std::string_view body = request.body;
  RequestJson parsed = parsed_of(body.substr(0, json_bytes), limits);
  for (const auto& [name, value] : parsed.document.items()) {
    if (name != "inputs") refuse("unknown member " + in_quotes(name) + "; there is 'inputs'");
  }
  WriteRequest made;
  made.model = path.model;
  made.inputs = inputs_of(parsed, body.substr(json_bytes));
  return made;
}

}  // namespace maxdot::server
