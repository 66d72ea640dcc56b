// The files that TLS is set up from.
#pragma once

#include <string>

namespace maxdot::server {

struct TlsFiles {
  std::string certificate;  ///< the chain, PEM; empty: no TLS
  std::string key;
  std::string client_ca;  ///< whose certificates clients must show; empty: none

  bool used() const noexcept { return !certificate.empty(); }
};

}  // namespace maxdot::server
