#include "server/http/http_server.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <utility>

#include "console/failure.hpp"
#include "server/http/connection.hpp"

namespace maxdot::server {
namespace {

namespace net = boost::asio;
using net::ip::tcp;
using tools::ExitCode;
using tools::Failure;

// Until the next look whether there is a file descriptor for a connection.
constexpr std::chrono::milliseconds kRetry{100};

}  // namespace

HttpServer::HttpServer(net::io_context& io, Connections& connections, const std::string& address,
                       std::uint16_t port, std::shared_ptr<net::ssl::context> tls)
    : io_(io),
      connections_(connections),
      acceptor_(net::make_strand(io)),
      retry_(acceptor_.get_executor()),
      tls_(std::move(tls)) {
  boost::system::error_code failed;
  const auto host = net::ip::make_address(address, failed);
  if (failed) {
    throw Failure(ExitCode::usage,
                  "--listen: '" + address + "' is no IP address, such as 127.0.0.1 or 0.0.0.0");
  }
  const tcp::endpoint where(host, port);
  const auto check = [&] {
    if (!failed) return;
    throw Failure(ExitCode::io, address + ":" + std::to_string(port) +
                                    ": HTTP cannot listen there: " + failed.message() +
                                    "; choose another --http-port or --listen");
  };
  acceptor_.open(where.protocol(), failed);
  check();
  // Of connections that a server before has closed; two servers still cannot listen there.
  acceptor_.set_option(net::socket_base::reuse_address(true), failed);
  check();
  acceptor_.bind(where, failed);
  check();
  acceptor_.listen(net::socket_base::max_listen_connections, failed);
  check();
  port_ = acceptor_.local_endpoint(failed).port();
  check();
  net::post(acceptor_.get_executor(), [this] { accept(); });
}

void HttpServer::replace(std::shared_ptr<net::ssl::context> tls) {
  const std::lock_guard lock(mutex_);
  tls_.swap(tls);
}

void HttpServer::stop() {
  net::post(acceptor_.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
  });
}

void HttpServer::accept() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_accept(net::make_strand(io_),
                         [this](boost::system::error_code failed, tcp::socket socket) {
                           if (!acceptor_.is_open()) return;
                           if (failed) return accept_later();
                           try {
                             std::shared_ptr<net::ssl::context> tls;
                             {
                               const std::lock_guard lock(mutex_);
                               tls = tls_;
                             }
                             socket.set_option(tcp::no_delay(true), failed);
                             // A socket that is not served closes.
                             if (connections_.has_room())
                               serve(std::move(socket), connections_, tls);
                           } catch (const std::exception&) {
                             // No memory for this one; the next may find some.
                           }
                           accept();
                         });
}

void HttpServer::accept_later() {
  retry_.expires_after(kRetry);
  retry_.async_wait([this](boost::system::error_code) { accept(); });
}

}  // namespace maxdot::server
