// What a client asks to change in a catalogue, whatever protocol it spoke.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "maxdot/types.hpp"
#include "server/infer/infer_request.hpp"
#include "server/infer/tensor.hpp"

namespace maxdot::server {

enum class WriteKind { upsert, remove };
/// As metrics and logs name it: "upsert".
const char* to_string(WriteKind kind) noexcept;

/// Tensors may view the message, which must live until the answer.
struct WriteRequest {
  std::string model;
  std::vector<Tensor> inputs;
  /// [seconds] Until the client's deadline; 0: it has none.
  double deadline = 0.0;
};

/// The change that a request asks for. Views its tensors.
struct Write {
  std::span<const std::int64_t> ids;
  MatrixView rows;  ///< of an upsert
};

/// Throws RequestError (invalid_argument), which names the input and what fits. What depends on the
/// catalogue, such as the dimension, and the values are left to it.
Write write_of(WriteKind kind, const WriteRequest& request, const Limits& limits);

}  // namespace maxdot::server
