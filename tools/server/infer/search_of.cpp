// From a request to the search that it asks for: every name, datatype, shape and limit is checked.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "server/base/request_error.hpp"
#include "server/infer/infer_request.hpp"

namespace maxdot::server {
namespace {

constexpr std::size_t kDefaultK = 10;

[[noreturn]] void refuse(const std::string& message) {
  throw RequestError(Code::invalid_argument, message);
}

std::size_t k_of(const Parameter& value, std::uint64_t most) {
  const auto* k = std::get_if<std::int64_t>(&value);
  if (k == nullptr) refuse("parameter 'k': is no whole number");
  if (*k < 0 || static_cast<std::uint64_t>(*k) > most) {
    refuse("parameter 'k': " + std::to_string(*k) + " is outside 0 to " + std::to_string(most) +
           ", which --max-k of the server sets");
  }
  return static_cast<std::size_t>(*k);
}

Metric metric_of(const Parameter& value) {
  const auto* name = std::get_if<std::string>(&value);
  if (name == nullptr)
    refuse("parameter 'metric': is no text; there are dot, cosine and euclidean");
  try {
    return metric_named(*name);
  } catch (const Error& error) {
    constexpr std::string_view kArgument = "metric: ";  // what the library calls it
    refuse("parameter 'metric': " + std::string(error.what()).substr(kArgument.size()));
  }
}

// [seconds] From the protocol's microseconds.
double timeout_of(const Parameter& value) {
  const auto* microseconds = std::get_if<std::int64_t>(&value);
  if (microseconds == nullptr || *microseconds < 0)
    refuse("parameter 'timeout': is no whole number of microseconds");
  return static_cast<double>(*microseconds) * 1e-6;
}

void apply(const Parameters& parameters, const Limits& limits, Search& search) {
  search.k = static_cast<std::size_t>(std::min<std::uint64_t>(kDefaultK, limits.k));
  for (const auto& [name, value] : parameters) {
    if (name == "k") {
      search.k = k_of(value, limits.k);
    } else if (name == "metric") {
      search.options.metric = metric_of(value);
    } else if (name == "timeout") {
      search.options.timeout = timeout_of(value);
    } else if (name != "priority") {  // requests are answered in turn; clients may send it
      refuse("unknown parameter " + in_quotes(name) + "; there are k, metric and timeout");
    }
  }
}

const Tensor* find(const InferRequest& request, std::string_view name) {
  const Tensor* found = nullptr;
  for (const Tensor& tensor : request.inputs) {
    if (tensor.name != name) continue;
    if (found != nullptr) refuse("input " + in_quotes(tensor.name) + ": is given twice");
    found = &tensor;
  }
  return found;
}

void check_names(const InferRequest& request) {
  const std::vector<TensorSpec> known = input_specs(0);
  for (const Tensor& tensor : request.inputs) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const TensorSpec& spec) {
      return tensor.name == spec.name;
    });
    if (!is_known) {
      refuse("unknown input " + in_quotes(tensor.name) +
             "; there are queries, exclude_ids, exclude_offsets, allow_ids and allow_offsets");
    }
    check_size(tensor);
  }
  const std::vector<TensorSpec> outputs = output_specs();
  for (std::size_t i = 0; i < request.outputs.size(); ++i) {
    const std::string& name = request.outputs[i].name;
    const bool is_output = std::any_of(outputs.begin(), outputs.end(),
                                       [&](const TensorSpec& spec) { return name == spec.name; });
    if (!is_output)
      refuse("unknown output " + in_quotes(name) + "; there are ids, scores, scores64 and counts");
    for (std::size_t other = 0; other < i; ++other) {
      if (request.outputs[other].name == name)
        refuse("output " + in_quotes(name) + ": is asked for twice");
    }
  }
}

MatrixView queries_of(const InferRequest& request, const Limits& limits) {
  const Tensor* queries = find(request, "queries");
  if (queries == nullptr) refuse("there is no input 'queries'; send FP32 or FP16 [n, d]");
  const MatrixView view = matrix_of(*queries);
  if (view.rows > limits.queries) {
    refuse("input 'queries': " + std::to_string(view.rows) + " queries, at most " +
           std::to_string(limits.queries) +
           " may be in a request (--max-queries of the server); send several");
  }
  return view;
}

// Of one query the offsets may be left out: the list is its own.
IdLists lists_of(InferRequest& request, const std::string& kind, std::size_t queries) {
  const std::string name = kind + "_offsets";
  const Tensor* ids = find(request, kind + "_ids");
  const Tensor* offsets = find(request, name);
  if (ids == nullptr && offsets == nullptr) return {};
  if (ids == nullptr) refuse("input '" + name + "': comes without '" + kind + "_ids'");
  IdLists lists;
  lists.ids = integers_of(*ids);
  if (offsets != nullptr) {
    lists.offsets = integers_of(*offsets);
    if (lists.offsets.size() != queries + 1) {
      refuse("input '" + name + "': has " + std::to_string(lists.offsets.size()) +
             " values, send n + 1 = " + std::to_string(queries + 1));
    }
    return lists;
  }
  if (queries != 1)
    refuse("input '" + kind + "_ids': of " + std::to_string(queries) + " queries, send '" + name +
           "', too");
  std::vector<std::int64_t> whole = {0, static_cast<std::int64_t>(lists.ids.size())};
  request.inputs.push_back({name, DataType::int64, {2}, Elements::own(std::move(whole))});
  lists.offsets = request.inputs.back().elements.as<std::int64_t>();
  return lists;
}

// Raw; the answer as JSON is larger.
void check_answer(const InferRequest& request, const Search& search, const Limits& limits) {
  std::uint64_t bytes_per_result = 0;
  if (request.outputs.empty()) bytes_per_result = sizeof(std::int64_t) + sizeof(float);
  for (const RequestedOutput& output : request.outputs) {
    if (output.name == "scores") bytes_per_result += sizeof(float);
    if (output.name == "ids" || output.name == "scores64") bytes_per_result += sizeof(double);
  }
  // Neither factor is large: both were checked against limits of 32 bits.
  const std::uint64_t results = std::uint64_t{search.queries.rows} * search.k;
  if (bytes_per_result == 0 || results <= limits.message_bytes / bytes_per_result) return;
  throw RequestError(Code::too_large,
                     "the answer would have " + std::to_string(search.queries.rows) + " x " +
                         std::to_string(search.k) + " results, more than fit into " +
                         std::to_string(limits.message_bytes) +
                         " bytes (--max-message-bytes of the server); send fewer queries at once");
}

}  // namespace

Search search_of(InferRequest& request, const Limits& limits) {
  check_names(request);
  Search search;
  apply(request.parameters, limits, search);
  search.queries = queries_of(request, limits);
  search.options.filters.exclude = lists_of(request, "exclude", search.queries.rows);
  search.options.filters.allow = lists_of(request, "allow", search.queries.rows);
  double& timeout = search.options.timeout;
  if (request.deadline > 0.0)
    timeout = timeout > 0.0 ? std::min(timeout, request.deadline) : request.deadline;
  check_answer(request, search, limits);
  return search;
}

}  // namespace maxdot::server
