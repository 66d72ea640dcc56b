#include "server/grpc/inference_service.hpp"

#include <utility>

#include "maxdot/machine.hpp"
#include "server/grpc/callback.hpp"
#include "server/grpc/convert.hpp"

namespace maxdot::server {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

void refuse_parameters(
    const google::protobuf::Map<std::string, inference::ModelRepositoryParameter>& parameters) {
  for (const auto& [name, value] : parameters) {
    // Models depend on nothing, so this one asks for nothing; clients send it.
    if (name == "unload_dependents") continue;
    throw RequestError(Code::unsupported,
                       "parameter " + in_quotes(name) + " is not offered: a model is its file");
  }
}

}  // namespace

ServerUnaryReactor* InferenceService::ServerLive(CallbackServerContext* context,
                                                 const inference::ServerLiveRequest*,
                                                 inference::ServerLiveResponse* response) {
  return at_once(context, [&] { response->set_live(true); });
}

ServerUnaryReactor* InferenceService::ServerReady(CallbackServerContext* context,
                                                  const inference::ServerReadyRequest*,
                                                  inference::ServerReadyResponse* response) {
  return at_once(context, [&] { response->set_ready(service_.ready()); });
}

ServerUnaryReactor* InferenceService::ModelReady(CallbackServerContext* context,
                                                 const inference::ModelReadyRequest* request,
                                                 inference::ModelReadyResponse* response) {
  return at_once(context, [&] {
    try {
      (void)service_.model(request->name(), request->version(), authorization_of(*context));
      response->set_ready(service_.ready());
    } catch (const RequestError& error) {
      if (error.code() != Code::unavailable) throw;
      response->set_ready(false);
    }
  });
}

ServerUnaryReactor* InferenceService::ServerMetadata(CallbackServerContext* context,
                                                     const inference::ServerMetadataRequest*,
                                                     inference::ServerMetadataResponse* response) {
  return at_once(context, [&] {
    service_.check(Access::read, authorization_of(*context));
    response->set_name(kPlatform);
    response->set_version(version());
    for (const char* extension : kExtensions) response->add_extensions(extension);
  });
}

ServerUnaryReactor* InferenceService::ModelMetadata(CallbackServerContext* context,
                                                    const inference::ModelMetadataRequest* request,
                                                    inference::ModelMetadataResponse* response) {
  return at_once(context, [&] {
    write(request->name(),
          service_.model(request->name(), request->version(), authorization_of(*context)),
          *response);
  });
}

ServerUnaryReactor* InferenceService::ModelInfer(CallbackServerContext* context,
                                                 const inference::ModelInferRequest* request,
                                                 inference::ModelInferResponse* response) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto decode = [&] {
    InferRequest decoded = request_of(*request);
    decoded.deadline = deadline_of(*context);
    return decoded;
  };
  // The message and the response live until Finish.
  const bool typed = request->raw_input_contents_size() == 0;
  const auto done = [reactor, response, typed](InferAnswer&& answer, const RequestError* error) {
    grpc::Status status;
    if (error != nullptr) {
      status = status_of(*error);
    } else {
      try {
        write(answer, typed, *response);
      } catch (...) {
        status = status_of(request_error_in_flight());
      }
    }
    reactor->Finish(status);
  };
  service_.infer(Protocol::grpc, authorization_of(*context), decode, done);
  return reactor;
}

ServerUnaryReactor* InferenceService::ModelConfig(CallbackServerContext* context,
                                                  const inference::ModelConfigRequest* request,
                                                  inference::ModelConfigResponse* response) {
  return at_once(context, [&] {
    write(request->name(),
          service_.model(request->name(), request->version(), authorization_of(*context)),
          *response->mutable_config());
  });
}

ServerUnaryReactor* InferenceService::RepositoryIndex(
    CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
    inference::RepositoryIndexResponse* response) {
  return at_once(context, [&] {
    write(service_.models(authorization_of(*context)), request->ready(), *response);
  });
}

ServerUnaryReactor* InferenceService::change(CallbackServerContext* context,
                                             server::Service::Change change,
                                             const std::string& model) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  service_.change(change, model, authorization_of(*context), [reactor](const RequestError* error) {
    reactor->Finish(error == nullptr ? grpc::Status() : status_of(*error));
  });
  return reactor;
}

ServerUnaryReactor* InferenceService::RepositoryModelLoad(
    CallbackServerContext* context, const inference::RepositoryModelLoadRequest* request,
    inference::RepositoryModelLoadResponse*) {
  try {
    refuse_parameters(request->parameters());
  } catch (const RequestError& error) {
    return at_once(context, [&] { throw error; });
  }
  return change(context, server::Service::Change::load, request->model_name());
}

ServerUnaryReactor* InferenceService::RepositoryModelUnload(
    CallbackServerContext* context, const inference::RepositoryModelUnloadRequest* request,
    inference::RepositoryModelUnloadResponse*) {
  try {
    refuse_parameters(request->parameters());
  } catch (const RequestError& error) {
    return at_once(context, [&] { throw error; });
  }
  return change(context, server::Service::Change::unload, request->model_name());
}

}  // namespace maxdot::server
