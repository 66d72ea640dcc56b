#include "server/watch.hpp"

#include <chrono>
#include <csignal>
#include <utility>

namespace maxdot::server {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

Watch::Watch(boost::asio::io_context& io, Actions actions)
    : actions_(std::move(actions)), signals_(io, SIGTERM, SIGINT, SIGHUP), timer_(io) {
  wait_for_signal();
  wait_for_tick();
}

void Watch::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code failed, int signal) {
    if (failed) return;
    if (signal == SIGHUP) {
      actions_.reload();
    } else {
      actions_.stop();
    }
    wait_for_signal();
  });
}

void Watch::wait_for_tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code failed) {
    if (failed) return;
    actions_.tick();
    wait_for_tick();
  });
}

}  // namespace maxdot::server
