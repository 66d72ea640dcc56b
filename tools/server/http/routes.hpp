// What each path of HTTP means.
#pragma once

#include <memory>

#include "server/http/message.hpp"
#include "server/service/service.hpp"

namespace maxdot::server {

/// Answers `request` by `respond`, at once or later. Never throws.
void route(Service& service, std::shared_ptr<const HttpRequest> request, Respond respond) noexcept;

/// Refuses a request before its body is read, by what its head says: whether anybody may send one
/// there. Nothing: the body may come.
std::optional<HttpResponse> refuse_head(const Service& service, const HttpRequest& head);

HttpResponse response_of(const RequestError& error);

}  // namespace maxdot::server
