// Between the bodies of HTTP and what the server works with.
#pragma once

#include <string>
#include <vector>

#include "server/http/message.hpp"
#include "server/http/path.hpp"
#include "server/infer/infer_request.hpp"
#include "server/models/models.hpp"
#include "server/write/write_request.hpp"

namespace maxdot::server {

/// JSON, with raw tensors after it if the header tells the JSON's length. Views the body, which
/// must outlive the result. Throws RequestError (invalid_argument, too_large, unsupported).
InferRequest request_of(const Path& path, const HttpRequest& request, const Limits& limits);

/// The same for a change of items: a document of "inputs" alone.
WriteRequest write_request_of(const Path& path, const HttpRequest& request, const Limits& limits);

HttpResponse response_of(const InferAnswer& answer);

std::string metadata_json(const std::string& name, const ModelInfo& model);
std::string config_json(const std::string& name, const ModelInfo& model);
std::string change_json(const Change& change);
std::string version_json(const std::string& name, const Snapshot& now);
std::string stats_json(const std::string& name, const LiveStats& stats);
std::string index_json(const std::vector<ModelState>& models, bool ready_only);

}  // namespace maxdot::server
