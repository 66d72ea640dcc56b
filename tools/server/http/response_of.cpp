// Answers as bodies of HTTP.
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "server/http/convert.hpp"

namespace maxdot::server {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// A double that was read back is the same, and so is a float: as a double it is printed in full.
// JSON has no infinity, the score of what is no result: null.
void append(std::string& body, double value) {
  if (!std::isfinite(value)) {
    body += "null";
    return;
  }
  char digits[32];
  const auto [end, failed] = std::to_chars(digits, digits + sizeof(digits), value);
  if (failed == std::errc()) body.append(digits, end);
  if (value == 0.0) body += ".0";  // who reads -0 as a whole number loses its sign
}

void append(std::string& body, std::int64_t value) {
  char digits[32];
  const auto [end, failed] = std::to_chars(digits, digits + sizeof(digits), value);
  if (failed == std::errc()) body.append(digits, end);
}

template <typename Printed, typename T>
void append_array(std::string& body, std::span<const T> values) {
  body += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) body += ',';
    append(body, Printed{values[i]});
  }
  body += ']';
}

void append_data(std::string& body, const Tensor& tensor) {
  if (tensor.type == DataType::fp32) return append_array<double>(body, tensor.elements.as<float>());
  if (tensor.type == DataType::fp64)
    return append_array<double>(body, tensor.elements.as<double>());
  append_array<std::int64_t>(body, tensor.elements.as<std::int64_t>());
}

Json specs_json(const std::vector<TensorSpec>& specs) {
  Json list = Json::array();
  for (const TensorSpec& spec : specs) {
    list.push_back(
        {{"name", spec.name}, {"datatype", to_string(spec.type)}, {"shape", spec.shape}});
  }
  return list;
}

}  // namespace

HttpResponse response_of(const InferAnswer& answer) {
  HttpResponse response;
  std::string& body = response.body;
  body = "{\"model_name\":" + text(answer.model) + ",\"model_version\":" + text(answer.version);
  if (!answer.id.empty()) body += ",\"id\":" + text(answer.id);
  body += ",\"outputs\":[";
  bool first = true;
  bool any_binary = false;
  for (const OutputTensor& output : answer.outputs) {
    const Tensor& tensor = output.tensor;
    if (!first) body += ',';
    first = false;
    body += "{\"name\":" + text(tensor.name) + ",\"datatype\":" + text(to_string(tensor.type)) +
            ",\"shape\":";
    append_array<std::int64_t>(body, std::span<const std::int64_t>(tensor.shape));
    if (output.binary) {
      any_binary = true;
      body +=
          ",\"parameters\":{\"binary_data_size\":" + std::to_string(tensor.elements.bytes()) + "}}";
    } else {
      body += ",\"data\":";
      append_data(body, tensor);
      body += '}';
    }
  }
  body += "]}";
  if (!any_binary) return response;
  response.content_type = "application/octet-stream";
  response.json_bytes = body.size();
  for (const OutputTensor& output : answer.outputs) {
    if (output.binary) body += output.tensor.elements.text();
  }
  return response;
}

std::string metadata_json(const std::string& name, const ModelInfo& model) {
  return text({{"name", name},
               {"versions", {model.version}},
               {"platform", kPlatform},
               {"inputs", specs_json(input_specs(model.dimension))},
               {"outputs", specs_json(output_specs())}});
}

std::string config_json(const std::string& name, const ModelInfo& model) {
  Json inputs = Json::array();
  for (const TensorSpec& spec : input_specs(model.dimension)) {
    inputs.push_back({{"name", spec.name},
                      {"data_type", config_name(spec.type)},
                      {"dims", spec.shape},
                      {"optional", spec.optional}});
  }
  Json outputs = Json::array();
  for (const TensorSpec& spec : output_specs()) {
    outputs.push_back(
        {{"name", spec.name}, {"data_type", config_name(spec.type)}, {"dims", spec.shape}});
  }
  return text({{"name", name},
               {"platform", kPlatform},
               {"backend", kPlatform},
               {"max_batch_size", 0},
               {"input", inputs},
               {"output", outputs}});
}

std::string change_json(const Change& change) {
  return text({{"version", change.version}, {"items", change.items}});
}

std::string version_json(const std::string& name, const Snapshot& now) {
  return text({{"name", name},
               {"version", now.version()},
               {"items", now.size()},
               {"dimension", now.dimension()}});
}

std::string stats_json(const std::string& name, const LiveStats& stats) {
  return text({{"name", name},
               {"version", stats.version},
               {"items", stats.items},
               {"fresh_items", stats.fresh_items},
               {"dead_items", stats.dead_items},
               {"segments", stats.segments},
               {"segment_bytes", stats.segment_bytes},
               {"log_bytes", stats.log_bytes},
               {"compactions", stats.compactions},
               {"replaces", stats.replaces},
               {"compaction_error", stats.compaction_error}});
}

std::string index_json(const std::vector<ModelState>& models, bool ready_only) {
  Json list = Json::array();
  for (const ModelState& state : models) {
    if (ready_only && state.model == nullptr) continue;
    Json entry = {{"name", state.name}};
    if (state.model != nullptr) entry["version"] = state.model->info().version;
    entry["state"] = state.model != nullptr ? "READY" : "UNAVAILABLE";
    if (!state.reason.empty()) entry["reason"] = state.reason;
    list.push_back(std::move(entry));
  }
  return text(list);
}

}  // namespace maxdot::server
