// Between the messages of the protocol and what the server works with.
#pragma once

#include <grpcpp/support/status.h>
#include <inference.pb.h>
#include <maxdot.pb.h>

#include "server/base/request_error.hpp"
#include "server/infer/infer_request.hpp"
#include "server/models/models.hpp"
#include "server/write/write_request.hpp"

namespace maxdot::server {

/// Views `message`, which must outlive the result. Throws RequestError (invalid_argument,
/// unsupported).
InferRequest request_of(const inference::ModelInferRequest& message);

/// As above.
WriteRequest request_of(const v1::UpsertRequest& message);
WriteRequest request_of(const v1::RemoveRequest& message);

/// Typed contents if the request had such, else raw.
void write(const InferAnswer& answer, bool typed, inference::ModelInferResponse& message);

void write(const std::string& name, const ModelInfo& model,
           inference::ModelMetadataResponse& message);
void write(const std::string& name, const ModelInfo& model, inference::ModelConfig& message);
void write(const std::vector<ModelState>& models, bool ready_only,
           inference::RepositoryIndexResponse& message);

grpc::Status status_of(const RequestError& error);

}  // namespace maxdot::server
