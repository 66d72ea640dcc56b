// What an input of fuzz_server_messages is: the kind of message, the length of the text of the
// header Inference-Header-Content-Length, that text, then the body.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "mutator.hpp"
#include "server/http/message.hpp"

namespace fuzz {

enum class MessageKind : std::uint8_t {
  http_infer,
  http_upsert,
  http_remove,
  grpc_infer,
  grpc_upsert,
  grpc_remove,
  path
};
constexpr std::size_t kMessageKinds = 7;

struct ServerInput {
  MessageKind kind = MessageKind::path;
  std::string json_bytes;
  std::string body;

  ServerInput() = default;
  explicit ServerInput(std::span<const std::uint8_t> data) {
    if (data.size() < 2) return;
    kind = static_cast<MessageKind>(data[0] % kMessageKinds);
    const std::size_t header = std::min<std::size_t>(data[1], data.size() - 2);
    const auto* text = reinterpret_cast<const char*>(data.data() + 2);
    json_bytes.assign(text, header);
    body.assign(text + header, data.size() - 2 - header);
  }

  maxdot::server::HttpRequest http() const {
    maxdot::server::HttpRequest request;
    request.json_bytes = json_bytes;
    request.body = body;
    return request;
  }

  Bytes bytes() const {
    Bytes made = {static_cast<std::uint8_t>(kind), static_cast<std::uint8_t>(json_bytes.size())};
    made.insert(made.end(), json_bytes.begin(), json_bytes.end());
    made.insert(made.end(), body.begin(), body.end());
    return made;
  }
};

}  // namespace fuzz
