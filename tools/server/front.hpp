// Both protocols, and the threads that serve them.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "server/grpc/grpc_server.hpp"
#include "server/http/connections.hpp"
#include "server/http/http_server.hpp"
#include "server/options.hpp"
#include "server/service/service.hpp"

namespace maxdot::server {

class Front {
 public:
  /// Listens. What is referred to must outlive it, but models must be closed before it ends. Throws
  /// tools::Failure.
  Front(const Options& options, Models& models, Metrics& metrics, const Tokens& tokens, Log& log,
        const boost::asio::any_io_executor& loads, const boost::asio::any_io_executor& writes);
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;
  ~Front();

  int grpc_port() const noexcept { return grpc_->port(); }
  int http_port() const noexcept { return http_->port(); }

  void set_ready(bool ready);
  /// HTTP's; gRPC looks at its files by itself. Throws tools::Failure; then nothing has changed.
  void reload_certificates();
  /// Takes no more requests. Returns when those under way are answered, or at the deadline.
  void drain(std::chrono::system_clock::time_point deadline);
  /// Ends both protocols: nothing is asked any more. Nothing but the destructor may be called then.
  void stop();

 private:
  void end();

  TlsFiles tls_;
  std::unique_ptr<boost::asio::io_context> io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Service service_;
  Connections connections_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<HttpServer> http_;
  std::vector<std::jthread> threads_;
};

}  // namespace maxdot::server
