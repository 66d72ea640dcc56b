// What every method of a gRPC service does with its call.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "server/grpc/convert.hpp"

namespace maxdot::server {

inline std::string_view authorization_of(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find("authorization");
  if (found == context.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

/// [seconds] 0 if the client set none. One that is over is so short that no search begins in it.
inline double deadline_of(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return 0.0;
  const std::chrono::duration<double> left = deadline - std::chrono::system_clock::now();
  return std::max(left.count(), 1e-9);
}

/// Runs what answers at once.
template <typename Action>
grpc::ServerUnaryReactor* at_once(grpc::CallbackServerContext* context, Action&& action) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  grpc::Status status;
  try {
    action();
  } catch (...) {
    status = status_of(request_error_in_flight());
  }
  reactor->Finish(status);
  return reactor;
}

}  // namespace maxdot::server
