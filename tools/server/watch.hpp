// What the server is told from outside while it runs: signals, and files that were written.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

namespace maxdot::server {

class Watch {
 public:
  struct Actions {
    std::function<void()> tick;    ///< every second: look whether a file was written
    std::function<void()> reload;  ///< SIGHUP
    std::function<void()> stop;    ///< SIGTERM or SIGINT, each time
  };

  Watch(boost::asio::io_context& io, Actions actions);

 private:
  void wait_for_signal();
  void wait_for_tick();

  Actions actions_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer timer_;
};

}  // namespace maxdot::server
