// TLS of HTTP.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "server/base/tls_files.hpp"

namespace maxdot::server {

/// Throws tools::Failure (bad_data) if the files are no certificate and key that fit each other.
std::shared_ptr<boost::asio::ssl::context> tls_context(const TlsFiles& files);

}  // namespace maxdot::server
