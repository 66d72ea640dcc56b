// Listens for gRPC: the inference service, maxdot's own, health and reflection.
#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>

#include "server/base/log.hpp"
#include "server/base/tls_files.hpp"
#include "server/grpc/catalogue_service.hpp"
#include "server/grpc/inference_service.hpp"

namespace maxdot::server {

class GrpcServer {
 public:
  /// Listens; port 0 is any that is free. A connection that speaks no gRPC within `timeout` ends.
  /// Throws tools::Failure (io).
  GrpcServer(Service& service, const std::string& address, std::uint16_t port, const TlsFiles& tls,
             std::chrono::seconds timeout, Log& log);
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;
  /// Ends what is under way.
  ~GrpcServer();

  int port() const noexcept { return port_; }
  /// What the health service tells.
  void set_ready(bool ready);
  /// Takes no more requests, waits for those under way until `deadline`, and ends the rest.
  void shut_down(std::chrono::system_clock::time_point deadline);

 private:
  InferenceService service_;
  CatalogueService catalogue_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace maxdot::server
