// A connection that is kept open, with one request at a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <optional>
#include <string>

namespace maxdot::load {

/// The status of a request whose connection failed: it could not be opened, or ended before the
/// answer.
inline constexpr unsigned kNoAnswer = 0;

/// Requires that one thread runs the io_context, and that the connection lives until that has
/// stopped or nothing is under way.
class Connection {
 public:
  /// Gets the answer of a request. It may ask again.
  using Answered = std::function<void(Connection&, unsigned status, const std::string& body)>;

  Connection(boost::asio::io_context& io, boost::asio::ip::tcp::endpoint server, Answered answered)
      : socket_(io), server_(std::move(server)), answered_(std::move(answered)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Waits until it is open; the error if it cannot be.
  boost::system::error_code open();
  /// Sends `request`, which must live until the answer. A connection that the server has closed
  /// meanwhile is opened anew first. Requires that no other request is under way.
  void ask(const std::string& request);

  std::size_t place = 0;  ///< of this connection, for its user

 private:
  bool is_usable();
  void write();
  void on_written(boost::system::error_code failed);
  void on_read(boost::system::error_code failed);
  void fail();
  void close();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::endpoint server_;
  Answered answered_;
  const std::string* request_ = nullptr;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::string_body>> parser_;
};

}  // namespace maxdot::load
