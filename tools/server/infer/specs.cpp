// The tensors that every model takes and gives.
#include "server/infer/infer_request.hpp"

namespace maxdot::server {

std::vector<TensorSpec> input_specs(std::size_t dimension) {
  return {{"queries", DataType::fp32, {-1, static_cast<std::int64_t>(dimension)}, false},
          {"exclude_ids", DataType::int64, {-1}, true},
          {"exclude_offsets", DataType::int64, {-1}, true},
          {"allow_ids", DataType::int64, {-1}, true},
          {"allow_offsets", DataType::int64, {-1}, true}};
}

std::vector<TensorSpec> output_specs() {
  return {{"ids", DataType::int64, {-1, -1}, false},
          {"scores", DataType::fp32, {-1, -1}, false},
          {"scores64", DataType::fp64, {-1, -1}, false},
          {"counts", DataType::int64, {-1}, false}};
}

}  // namespace maxdot::server
