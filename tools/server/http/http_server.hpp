// Listens for HTTP.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/connections.hpp"

namespace maxdot::server {

class HttpServer {
 public:
  /// Listens on `io`, whose threads serve; port 0 is any that is free. `tls` may be null. Throws
  /// tools::Failure: io, usage (the address is none).
  HttpServer(boost::asio::io_context& io, Connections& connections, const std::string& address,
             std::uint16_t port, std::shared_ptr<boost::asio::ssl::context> tls);

  int port() const noexcept { return port_; }
  /// Connections that come from now on use it.
  void replace(std::shared_ptr<boost::asio::ssl::context> tls);
  /// Takes no more connections. Those that are open end by Connections.
  void stop();

 private:
  void accept();
  void accept_later();

  boost::asio::io_context& io_;
  Connections& connections_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  int port_ = 0;
  std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
};

}  // namespace maxdot::server
