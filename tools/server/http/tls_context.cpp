#include "server/http/tls_context.hpp"

#include <string>

#include "console/failure.hpp"

namespace maxdot::server {
namespace {

namespace ssl = boost::asio::ssl;

void check(const boost::system::error_code& failed, const std::string& path, const char* what) {
  if (!failed) return;
  throw tools::Failure(tools::ExitCode::bad_data,
                       path + ": cannot be used as " + what + ": " + failed.message());
}

}  // namespace

std::shared_ptr<ssl::context> tls_context(const TlsFiles& files) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                       ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  boost::system::error_code failed;
  context->use_certificate_chain_file(files.certificate, failed);
  check(failed, files.certificate, "a certificate chain (PEM)");
  context->use_private_key_file(files.key, ssl::context::pem, failed);
  check(failed, files.key, "the certificate's private key (PEM)");
  if (files.client_ca.empty()) return context;
  context->load_verify_file(files.client_ca, failed);
  check(failed, files.client_ca, "certificates of clients (PEM)");
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

}  // namespace maxdot::server
