#include "server/grpc/grpc_server.hpp"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <vector>

#include "console/failure.hpp"

namespace maxdot::server {
namespace {

using tools::ExitCode;
using tools::Failure;

// [seconds] Between two looks at the certificate's files.
constexpr unsigned kCertificateInterval = 10;
// [milliseconds] A client that has gone without a word is noticed after both.
constexpr int kKeepaliveTime = 60'000;
constexpr int kKeepaliveTimeout = 20'000;
// More would have to come in several connections.
constexpr int kMostStreams = 1'024;

// gRPC and protobuf write lines of their own to stderr otherwise; a process has one such function
// of each. They tell mostly what clients do wrong, of which a flood must not fill the log.
std::atomic<Log*> log_of_grpc = nullptr;

void write_log(const char* library, const std::string& message) {
  Log* log = log_of_grpc.load();
  if (log != nullptr) log->write(Level::debug, library, {{"message", message}});
}

void write_log_of_grpc(gpr_log_func_args* line) { write_log("grpc", line->message); }

void write_log_of_protobuf(google::protobuf::LogLevel, const char*, int,
                           const std::string& message) {
  write_log("protobuf", message);
}

std::shared_ptr<grpc::ServerCredentials> credentials(const TlsFiles& tls) {
  if (!tls.used()) return grpc::InsecureServerCredentials();
  namespace tls_api = grpc::experimental;
  const auto provider = std::make_shared<tls_api::FileWatcherCertificateProvider>(
      tls.key, tls.certificate, tls.client_ca, kCertificateInterval);
  tls_api::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (!tls.client_ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return tls_api::TlsServerCredentials(options);
}

std::string endpoint(const std::string& address, std::uint16_t port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace

GrpcServer::GrpcServer(Service& service, const std::string& address, std::uint16_t port,
                       const TlsFiles& tls, std::chrono::seconds timeout, Log& log)
    : service_(service), catalogue_(service.catalogues()) {
  log_of_grpc = &log;
  gpr_set_log_function(write_log_of_grpc);
  google::protobuf::SetLogHandler(write_log_of_protobuf);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  const int bytes = static_cast<int>(service.limits().message_bytes);
  builder.SetMaxReceiveMessageSize(bytes);
  builder.SetMaxSendMessageSize(-1);                        // Service bounds what is asked for
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two servers on a port: an error
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(std::chrono::milliseconds(timeout).count()));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTime);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeout);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostStreams);
  const std::string where = endpoint(address, port);
  builder.AddListeningPort(where, credentials(tls), &port_);
  builder.RegisterService(&service_);
  builder.RegisterService(&catalogue_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    throw Failure(ExitCode::io, where +
                                    ": gRPC cannot listen there; is the address this machine's, "
                                    "and the port free?");
  }
  set_ready(false);
}

GrpcServer::~GrpcServer() {
  shut_down(std::chrono::system_clock::now());
  log_of_grpc = nullptr;
}

void GrpcServer::set_ready(bool ready) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  health->SetServingStatus("", ready);
  health->SetServingStatus(inference::GRPCInferenceService::service_full_name(), ready);
  health->SetServingStatus(v1::Catalogue::service_full_name(), ready);
}

void GrpcServer::shut_down(std::chrono::system_clock::time_point deadline) {
  server_->Shutdown(deadline);
  server_->Wait();
}

}  // namespace maxdot::server
