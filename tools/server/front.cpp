#include "server/front.hpp"

#include <algorithm>

#include "maxdot/machine.hpp"
#include "server/base/workers.hpp"
#include "server/http/tls_context.hpp"

namespace maxdot::server {
namespace {

// They read requests and write answers; searches have threads of their own.
constexpr int kMostThreads = 4;

std::shared_ptr<boost::asio::ssl::context> context_of(const TlsFiles& tls) {
  return tls.used() ? tls_context(tls) : nullptr;
}

// A handler that finds no memory loses its connection, and the others go on.
void serve_all(boost::asio::io_context& io) {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception&) {
      continue;
    }
  }
}

}  // namespace

Front::Front(const Options& options, Models& models, Metrics& metrics, const Tokens& tokens,
             Log& log, const boost::asio::any_io_executor& loads,
             const boost::asio::any_io_executor& writes)
    : tls_(options.tls),
      io_(std::make_unique<boost::asio::io_context>()),
      work_(io_->get_executor()),
      service_(models, metrics, tokens, log, options.limits, io_->get_executor(), loads, writes),
      connections_(service_, metrics, options.most_connections,
                   std::chrono::seconds(options.client_timeout)),
      grpc_(std::make_unique<GrpcServer>(service_, options.address,
                                         static_cast<std::uint16_t>(options.grpc_port), tls_,
                                         connections_.timeout(), log)),
      http_(std::make_unique<HttpServer>(*io_, connections_, options.address,
                                         static_cast<std::uint16_t>(options.http_port),
                                         context_of(tls_))) {
  const int threads = std::clamp(available_threads(), 2, kMostThreads);
  try {
    threads_ = start_threads(
        static_cast<std::size_t>(threads), [this] { serve_all(*io_); }, [this] { io_->stop(); });
  } catch (...) {
    end();
    throw;
  }
}

Front::~Front() { end(); }

// Connections that are left end with io_, and tell connections_ so.
void Front::end() {
  stop();
  http_.reset();
  work_.reset();
  io_.reset();
}

void Front::set_ready(bool ready) {
  service_.set_ready(ready);
  grpc_->set_ready(ready);
}

void Front::reload_certificates() {
  if (tls_.used()) http_->replace(tls_context(tls_));
}

// When both protocols have ended no change of items comes any more; those under way refer to
// connections until they are answered.
void Front::stop() {
  grpc_.reset();
  io_->stop();
  threads_.clear();
  service_.catalogues().wait();
}

void Front::drain(std::chrono::system_clock::time_point deadline) {
  http_->stop();
  connections_.end_all();
  grpc_->shut_down(deadline);
  constexpr std::chrono::milliseconds kLook{10};
  while (connections_.count() != 0 && std::chrono::system_clock::now() < deadline)
    std::this_thread::sleep_for(kLook);
}

}  // namespace maxdot::server
