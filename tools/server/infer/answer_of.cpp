// From the result of a search to the outputs that a request asks for.
#include <utility>

#include "server/infer/infer_request.hpp"

namespace maxdot::server {
namespace {

Elements rounded(const std::vector<double>& scores) {
  std::vector<float> values(scores.size());
  round_to_f32(scores, values.data());
  return Elements::own(std::move(values));
}

}  // namespace

InferAnswer answer_of(const InferRequest& request, const std::string& version,
                      SearchResult&& result) {
  std::vector<RequestedOutput> wanted = request.outputs;
  if (wanted.empty()) {
    for (const char* usual : kUsualOutputs) wanted.push_back({usual});
  }
  const auto n = static_cast<std::int64_t>(result.queries);
  const auto k = static_cast<std::int64_t>(result.k);
  InferAnswer answer{request.model, version, request.id, {}};
  // Each output appears once, and `scores` needs what `scores64` takes over, so that goes last.
  std::size_t taken_last = 0;
  for (const RequestedOutput& output : wanted) {
    Tensor tensor{output.name, DataType::int64, {n, k}, {}};
    if (output.name == "ids") {
      tensor.elements = Elements::own(std::move(result.ids));
    } else if (output.name == "counts") {
      tensor.shape = {n};
      tensor.elements = Elements::own(std::move(result.counts));
    } else if (output.name == "scores") {
      tensor.type = DataType::fp32;
      tensor.elements = rounded(result.scores);
    } else {
      tensor.type = DataType::fp64;
      taken_last = answer.outputs.size() + 1;
    }
    answer.outputs.push_back({std::move(tensor), output.binary});
  }
  if (taken_last != 0)
    answer.outputs[taken_last - 1].tensor.elements = Elements::own(std::move(result.scores));
  return answer;
}

}  // namespace maxdot::server
