#include "connection.hpp"

#include <sys/socket.h>

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <cerrno>

namespace maxdot::load {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{64} << 20U;

}  // namespace

error_code Connection::open() {
  error_code failed;
  socket_.connect(server_, failed);
  if (!failed) socket_.set_option(net::ip::tcp::no_delay(true), failed);
  return failed;
}

void Connection::ask(const std::string& request) {
  request_ = &request;
  if (is_usable()) return write();
  close();
  socket_.async_connect(server_, [this](error_code failed) {
    if (!failed) socket_.set_option(net::ip::tcp::no_delay(true), failed);
    if (failed) return fail();
    write();
  });
}

// Whether it is open, and the server has neither closed it nor sent what was not asked for.
bool Connection::is_usable() {
  if (!socket_.is_open() || buffer_.size() != 0) return false;
  char byte = 0;
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Connection::write() {
  net::async_write(socket_, net::buffer(*request_),
                   [this](error_code failed, std::size_t) { on_written(failed); });
}

void Connection::on_written(error_code failed) {
  if (failed) return fail();
  parser_.emplace();
  parser_->body_limit(kMostAnswerBytes);
  http::async_read(socket_, buffer_, *parser_,
                   [this](error_code unread, std::size_t) { on_read(unread); });
}

void Connection::on_read(error_code failed) {
  if (failed) return fail();
  if (!parser_->get().keep_alive()) close();
  answered_(*this, parser_->get().result_int(), parser_->get().body());
}

void Connection::fail() {
  close();
  answered_(*this, kNoAnswer, {});
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
  buffer_.clear();
}

}  // namespace maxdot::load
