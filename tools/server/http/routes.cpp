#include "server/http/routes.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "maxdot/machine.hpp"
#include "server/http/convert.hpp"
#include "server/http/path.hpp"
#include "server/http/request_json.hpp"

namespace maxdot::server {
namespace {

using nlohmann::json;

unsigned status_of(Code code) noexcept {
  switch (code) {
    case Code::invalid_argument:
      return 400;
    case Code::unauthenticated:
      return 401;
    case Code::not_found:
      return 404;
    case Code::too_large:
      return 413;
    case Code::overloaded:
      return 429;
    case Code::unsupported:
      return 501;
    case Code::unavailable:
    case Code::out_of_memory:
      return 503;
    case Code::timeout:
      return 504;
    case Code::internal:
      break;
  }
  return 500;
}

HttpResponse error_response(unsigned status, const std::string& message) {
  HttpResponse response;
  response.status = status;
  response.body = json({{"error", message}}).dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

HttpResponse json_response(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

HttpResponse state_response(bool holds) {
  HttpResponse response;
  response.status = holds ? 200 : 503;
  return response;
}

std::string server_json() {
  return nlohmann::ordered_json(
             {{"name", kPlatform}, {"version", version()}, {"extensions", kExtensions}})
      .dump();
}

// Of a request for the index, which may come without a body.
bool ready_only(const std::string& body) {
  if (body.empty()) return false;
  const json document = parse_document(body);
  const auto found = document.is_object() ? document.find("ready") : document.end();
  if (document.is_object() && found == document.end()) return false;
  if (found == document.end() || !found->is_boolean())
    throw RequestError(Code::invalid_argument, "send {\"ready\": true} or false, or no body");
  return found->get<bool>();
}

// A model is its file: there is nothing to tell about how it is loaded.
void refuse_parameters(const std::string& body) {
  if (body.empty()) return;
  const json document = parse_document(body);
  if (!document.is_object())
    throw RequestError(Code::invalid_argument, "the body is no JSON object; send none");
  const auto parameters = document.find("parameters");
  if (parameters == document.end() || !parameters->is_object()) return;
  for (const auto& [name, value] : parameters->items()) {
    // Models depend on nothing, so this one asks for nothing; clients send it.
    if (name == "unload_dependents") continue;
    throw RequestError(Code::unsupported,
                       "parameter " + in_quotes(name) + " is not offered: a model is its file");
  }
}

HttpResponse metrics_response(const Service& service, const HttpRequest& request) {
  service.check(Access::read, request.authorization);
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = service.metrics();
  return response;
}

HttpResponse model_ready(const Service& service, const Path& path, const HttpRequest& request) {
  try {
    (void)service.model(path.model, path.version, request.authorization);
    return state_response(service.ready());
  } catch (const RequestError& error) {
    if (error.code() != Code::unavailable) throw;
    return state_response(false);
  }
}

// What is answered at once.
HttpResponse response_now(const Service& service, const Path& path, const HttpRequest& request) {
  switch (path.action) {
    case Action::ready:
      return state_response(service.ready());
    case Action::server_metadata:
      service.check(Access::read, request.authorization);
      return json_response(server_json());
    case Action::model_metadata:
      return json_response(metadata_json(
          path.model, service.model(path.model, path.version, request.authorization)));
    case Action::model_config:
      return json_response(
          config_json(path.model, service.model(path.model, path.version, request.authorization)));
    case Action::model_ready:
      return model_ready(service, path, request);
    case Action::index:
      return json_response(
          index_json(service.models(request.authorization), ready_only(request.body)));
    case Action::catalogue_version:
      return json_response(version_json(
          path.model, service.catalogues().snapshot(path.model, request.authorization)));
    case Action::catalogue_stats:
      return json_response(
          stats_json(path.model, service.catalogues().stats(path.model, request.authorization)));
    case Action::metrics:
      return metrics_response(service, request);
    case Action::live:
    case Action::infer:  // these are answered later
    case Action::load:
    case Action::unload:
    case Action::upsert:
    case Action::remove:
      break;
  }
  return state_response(true);
}

void infer(Service& service, const Path& path, const std::shared_ptr<const HttpRequest>& request,
           Respond respond) {
  const auto decode = [&] { return request_of(path, *request, service.limits()); };
  // It holds the body, which the request views.
  const auto done = [request, respond = std::move(respond)](InferAnswer&& answer,
                                                            const RequestError* error) {
    HttpResponse response;
    try {
      response = error != nullptr ? response_of(*error) : response_of(answer);
    } catch (...) {
      response = response_of(request_error_in_flight());
    }
    respond(std::move(response));
  };
  service.infer(Protocol::http, request->authorization, decode, done);
}

void write(Service& service, WriteKind kind, const Path& path,
           const std::shared_ptr<const HttpRequest>& request, Respond respond) {
  const auto decode = [&] { return write_request_of(path, *request, service.limits()); };
  // It holds the body, which the request views.
  const auto done = [request, respond = std::move(respond)](const Change& change,
                                                            const RequestError* error) {
    HttpResponse response;
    try {
      response = error != nullptr ? response_of(*error) : json_response(change_json(change));
    } catch (...) {
      response = response_of(request_error_in_flight());
    }
    respond(std::move(response));
  };
  service.catalogues().write(Protocol::http, kind, request->authorization, decode, done);
}

void change(Service& service, Service::Change change, const Path& path, const HttpRequest& request,
            Respond respond) {
  service.check(Access::write, request.authorization);
  refuse_parameters(request.body);
  service.change(change, path.model, request.authorization,
                 [respond = std::move(respond)](const RequestError* error) {
                   respond(error != nullptr ? response_of(*error) : HttpResponse());
                 });
}

}  // namespace

HttpResponse response_of(const RequestError& error) {
  HttpResponse response = error_response(status_of(error.code()), error.what());
  response.wants_token = error.code() == Code::unauthenticated;
  return response;
}

std::optional<HttpResponse> refuse_head(const Service& service, const HttpRequest& head) {
  const std::optional<Path> path = path_of(head.target);
  if (!path) return error_response(404, "there is no path " + in_quotes(head.target));
  const std::string method = method_of(path->action);
  if (head.method != method) {
    HttpResponse response = error_response(405, "send " + method + " to this path");
    response.allow = method;
    return response;
  }
  try {
    if (changes(path->action)) service.check(Access::write, head.authorization);
    if (path->action == Action::infer) service.check(Access::read, head.authorization);
  } catch (const RequestError& error) {
    return response_of(error);
  }
  return std::nullopt;
}

void route(Service& service, std::shared_ptr<const HttpRequest> request, Respond respond) noexcept {
  try {
    if (auto refused = refuse_head(service, *request)) return respond(std::move(*refused));
    const Path path = *path_of(request->target);
    switch (path.action) {
      case Action::infer:
        return infer(service, path, request, respond);
      case Action::load:
        return change(service, Service::Change::load, path, *request, respond);
      case Action::unload:
        return change(service, Service::Change::unload, path, *request, respond);
      case Action::upsert:
        return write(service, WriteKind::upsert, path, request, respond);
      case Action::remove:
        return write(service, WriteKind::remove, path, request, respond);
      default:
        return respond(response_now(service, path, *request));
    }
  } catch (...) {
    respond(response_of(request_error_in_flight()));
  }
}

}  // namespace maxdot::server
