// One HTTP connection, from its first byte to its last.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "server/http/connections.hpp"

namespace maxdot::server {

/// Serves `socket` until the client goes, is too slow, or connections end. It lives as long as that
/// takes. With a context: by TLS.
void serve(boost::asio::ip::tcp::socket socket, Connections& connections,
           const std::shared_ptr<boost::asio::ssl::context>& tls);

}  // namespace maxdot::server
