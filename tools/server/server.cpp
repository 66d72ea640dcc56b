#include "server/server.hpp"

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "console/failure.hpp"
#include "maxdot/index.hpp"
#include "maxdot/machine.hpp"
#include "server/base/workers.hpp"
#include "server/front.hpp"
#include "server/http/tls_context.hpp"
#include "server/models/file_identity.hpp"
#include "server/watch.hpp"

namespace maxdot::server {
namespace {

namespace net = boost::asio;

// They wait for the disk; changes at the same time share a sync.
constexpr std::size_t kWriteThreads = 4;

bool is_loopback(const std::string& address) {
  boost::system::error_code failed;
  const auto host = net::ip::make_address(address, failed);
  if (failed) {
    throw tools::Failure(
        tools::ExitCode::usage,
        "--listen: '" + address + "' is no IP address, such as 127.0.0.1 or 0.0.0.0");
  }
  return host.is_loopback();
}

class Server {
 public:
  explicit Server(const Options& options)
      : options_(options),
        log_(level_of(options.log_level)),
        tokens_(options.read_token, options.write_token, !is_loopback(options.address)),
        models_(
            Sources(options.models), options.batcher(),
            [this](const std::string& model) { return metrics_.observer_of(model); },
            options.live_access(), options.load, log_),
        certificates_(certificates()),
        front_(options, models_, metrics_, tokens_, log_, loads_.get_executor(),
               writes_.get_executor()),
        watch_(control_, {.tick = [this] { look(); },
                          .reload = [this] { reload(); },
                          .stop = [this] { stop(); }}) {}

  void run() {
    log_.write(Level::info, "listening",
               {{"address", options_.address},
                {"grpc_port", front_.grpc_port()},
                {"http_port", front_.http_port()},
                {"tls", options_.tls.used()},
                {"kernel", kernel_name()},
                {"version", version()}});
    net::post(loads_.get_executor(), [this] { load(); });
    control_.run();
    end();
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  using Identities = std::vector<std::optional<FileIdentity>>;

  void load() {
    std::exception_ptr failed;
    try {
      models_.load_all();
    } catch (...) {
      failed = std::current_exception();
    }
    net::post(control_, [this, failed] {
      if (stopping_) return;  // which may be why it failed
      failed_ = failed;
      if (failed) return control_.stop();
      loaded_ = true;
      front_.set_ready(true);
      log_.write(Level::info, "ready");
    });
  }

  // Whether a file was written. One look at a time: a load may take longer than a second.
  void look() {
    if (!loaded_ || looking_.exchange(true)) return;
    net::post(loads_.get_executor(), [this] {
      or_log([this] { models_.refresh(false); });
      or_log([this] {
        if (certificates() != certificates_) reload_certificates();
      });
      looking_ = false;
    });
  }

  void reload() {
    log_.write(Level::info, "reload");
    if (reload_waits_.exchange(true)) return;  // it will see what this one is about
    net::post(loads_.get_executor(), [this] {
      reload_waits_ = false;
      or_log([this] { tokens_.reload(); });
      or_log([this] { reload_certificates(); });
      or_log([this] { models_.refresh(true); });
    });
  }

  void reload_certificates() {
    certificates_ = certificates();
    front_.reload_certificates();
  }

  // What fails now, such as for want of memory, must not end the server: what it has it serves on.
  template <typename Reload>
  void or_log(const Reload& reload) {
    try {
      reload();
    } catch (const std::exception& error) {
      log_.write(Level::error, "reload_failed", {{"error", error.what()}});
    }
  }

  Identities certificates() const {
    const TlsFiles& tls = options_.tls;
    if (!tls.used()) return {};
    return {identity_of(tls.certificate), identity_of(tls.key), identity_of(tls.client_ca)};
  }

  // The first signal begins the delay, a second one ends it.
  void stop() {
    if (std::exchange(stopping_, true)) return control_.stop();
    log_.write(Level::info, "draining");
    front_.set_ready(false);
    models_.cancel();
    drain_.expires_after(std::chrono::seconds(options_.drain_delay));
    drain_.async_wait([this](boost::system::error_code) { control_.stop(); });
  }

  void end() {
    models_.cancel();
    front_.drain(std::chrono::system_clock::now() + std::chrono::seconds(options_.drain_timeout));
    front_
        .stop();  // loads refer to connections: when none can be asked for, those that are left end
    loads_.join();
    models_.close();
    log_.write(Level::info, "stopped");
  }

  const Options& options_;
  Log log_;
  Tokens tokens_;
  Metrics metrics_;
  Models models_;
  Identities certificates_;  // that HTTP uses; once it runs, of the thread of loads_
  Workers loads_{1};
  Workers writes_{kWriteThreads};
  Front front_;
  net::io_context control_{1};
  net::steady_timer drain_{control_};
  Watch watch_;
  bool loaded_ = false;
  bool stopping_ = false;
  std::exception_ptr failed_;
  std::atomic<bool> looking_ = false;
  std::atomic<bool> reload_waits_ = false;
};

}  // namespace

void check(const Options& options) {
  (void)Tokens(options.read_token, options.write_token, !is_loopback(options.address));
  if (options.tls.used()) (void)tls_context(options.tls);
  for (const auto& [name, path] : Sources(options.models).all()) {
    if (is_live_folder(path)) {
      (void)LiveIndex::open_read_only(path);
    } else {
      (void)Index::open(path);
    }
  }
}

void run(const Options& options) { Server(options).run(); }

}  // namespace maxdot::server
