// What a client asks of a model, whatever protocol it spoke; and what it gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "maxdot/batcher.hpp"
#include "server/infer/tensor.hpp"

namespace maxdot::server {

using Parameter = std::variant<bool, std::int64_t, double, std::string>;
using Parameters = std::map<std::string, Parameter, std::less<>>;

struct RequestedOutput {
  std::string name;
  bool binary = true;  ///< of HTTP: raw after the JSON, not in it
};

/// Tensors may view the message, which must live until the answer.
struct InferRequest {
  std::string model;
  std::string version;  ///< empty: any
  std::string id;       ///< of the client's choice, comes back with the answer
  Parameters parameters;
  std::vector<Tensor> inputs;
  std::vector<RequestedOutput> outputs;  ///< empty: kUsualOutputs
  /// [seconds] Until the client's deadline; 0: it has none.
  double deadline = 0.0;
};

/// What a request may ask for at most.
struct Limits {
  std::uint64_t message_bytes = std::uint64_t{16} << 20;
  std::uint64_t k = 10'000;
  std::uint64_t queries = 1'024;
  std::uint64_t items = 100'000;  ///< of a write
};

/// The search that a request asks for. Views its tensors.
struct Search {
  MatrixView queries;
  std::size_t k = 0;
  RequestOptions options;
};

/// Adds the offsets that a request of one query may leave out. Throws RequestError:
/// invalid_argument (names the input or parameter and what fits), too_large. What depends on the
/// items, such as the dimension, is left to the model.
Search search_of(InferRequest& request, const Limits& limits);

struct OutputTensor {
  Tensor tensor;
  bool binary = true;
};

struct InferAnswer {
  std::string model;
  std::string version;
  std::string id;
  std::vector<OutputTensor> outputs;
};

/// The outputs of a request that names none.
inline constexpr const char* kUsualOutputs[] = {"ids", "scores", "counts"};

/// The requested outputs of a result, in the order of the request.
InferAnswer answer_of(const InferRequest& request, const std::string& version,
                      SearchResult&& result);

/// What kind of model it is, in the words of the protocol.
inline constexpr const char* kPlatform = "maxdot";

/// A tensor that every model takes or gives; -1 in its shape is any size.
struct TensorSpec {
  const char* name;
  DataType type;
  std::vector<std::int64_t> shape;
  bool optional;
};
std::vector<TensorSpec> input_specs(std::size_t dimension);
std::vector<TensorSpec> output_specs();

}  // namespace maxdot::server
