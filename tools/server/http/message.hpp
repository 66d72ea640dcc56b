// A request and a response of HTTP, as routes see them.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace maxdot::server {

struct HttpRequest {
  std::string method;  ///< "GET"
  std::string target;  ///< path and query, as they came
  std::string authorization;
  std::string json_bytes;  ///< the header Inference-Header-Content-Length; empty: none
  std::string body;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::optional<std::size_t> json_bytes;  ///< the header Inference-Header-Content-Length
  bool wants_token = false;               ///< the header WWW-Authenticate
  std::string allow;                      ///< the header Allow; empty: none
  std::string body;
};

/// Takes the response; called once, from any thread.
using Respond = std::function<void(HttpResponse&&)>;

}  // namespace maxdot::server
