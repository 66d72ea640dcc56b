// A pool of connections to one server, which the thread that calls run_until drives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connection.hpp"
#include "requests.hpp"

namespace maxdot::load {

using Clock = std::chrono::steady_clock;

class Exchange {
 public:
  /// Gets the number that the request was given, a status (or kNoAnswer) and the body.
  using Answered =
      std::function<void(std::size_t number, unsigned status, const std::string& body)>;

  /// Opens so many connections. Throws tools::Failure (io).
  Exchange(const Address& address, std::size_t connections, Answered answered);

  bool has_free() const noexcept { return !free_.empty(); }
  /// By a free connection, which is free again before `answered` is called. Requires has_free().
  void ask(std::size_t number, const std::string& request);

  boost::asio::io_context& io() noexcept { return io_; }
  /// Until nothing is under way, or `end`.
  void run_until(Clock::time_point end) { io_.run_until(end); }

 private:
  void on_answer(Connection& connection, unsigned status, const std::string& body);

  boost::asio::io_context io_{1};  // outlives the connections
  Answered answered_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::size_t> numbers_;  // of what each connection was asked
  std::vector<Connection*> free_;     // the one that was used last is used next
};

}  // namespace maxdot::load
