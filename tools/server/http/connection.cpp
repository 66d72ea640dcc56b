#include "server/http/connection.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "server/http/routes.hpp"

namespace maxdot::server {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Failed = beast::error_code;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

// [bytes] Of the lines before a body.
constexpr std::uint32_t kMostHeadBytes = 16'384;
// A client that is told to go may be sending still: its bytes are read for so long, since closing
// at once would take the answer from it.
constexpr std::chrono::seconds kLinger{2};

std::string text_of(beast::string_view text) { return {text.data(), text.size()}; }

// Every member runs on the stream's strand, but for end().
template <typename Stream>
class Connection final : public Endable, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  template <typename... Arguments>
  explicit Connection(Connections& connections, std::shared_ptr<net::ssl::context> tls,
                      Arguments&&... arguments)
      : connections_(connections),
        tls_(std::move(tls)),
        stream_(std::forward<Arguments>(arguments)...) {}
  ~Connection() override { connections_.remove(*this); }

  void start() {
    connections_.add(*this);
    net::dispatch(stream_.get_executor(), [self = this->shared_from_this()] { self->begin(); });
  }

  void end() override {
    net::post(stream_.get_executor(), [self = this->shared_from_this()] {
      const bool is_idle =
          self->reads_head_ && !self->parser_->got_some() && self->buffer_.size() == 0;
      if (is_idle) self->lowest().cancel();
    });
  }

  std::weak_ptr<Endable> self() override { return this->weak_from_this(); }

 private:
  using Parser = http::request_parser<http::string_body>;

  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  // A member as a handler that keeps the connection alive.
  template <typename Member>
  auto bind(Member member) {
    return beast::bind_front_handler(member, this->shared_from_this());
  }

  void begin() {
    lowest().expires_after(connections_.timeout());
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_handshake(net::ssl::stream_base::server, bind(&Connection::on_handshake));
    } else {
      read_head();
    }
  }

  void on_handshake(Failed failed) {
    if (!failed) read_head();
  }

  void read_head() {
    if (connections_.ending()) return close();
    parser_.emplace();
    parser_->header_limit(kMostHeadBytes);
    parser_->body_limit(connections_.service().limits().message_bytes);
    lowest().expires_after(connections_.timeout());
    reads_head_ = true;
    http::async_read_header(stream_, buffer_, *parser_, bind(&Connection::on_head));
  }

  void on_head(Failed failed, std::size_t) {
    reads_head_ = false;
    if (failed) return on_unread(failed);
    HttpRequest head;
    const auto& message = parser_->get();
    head.method = text_of(message.method_string());
    head.target = text_of(message.target());
    head.authorization = text_of(message[http::field::authorization]);
    head.json_bytes = text_of(message["Inference-Header-Content-Length"]);
    keep_alive_ = message.keep_alive();
    if (auto refused = refuse_head(connections_.service(), head)) {
      if (!parser_->is_done()) keep_alive_ = false;  // the body is not read
      return write(std::move(*refused));
    }
    if (!message[http::field::content_encoding].empty()) {
      keep_alive_ = keep_alive_ && parser_->is_done();
      return write(refusal(415, "the body is compressed; send it as it is"));
    }
    request_ = std::make_shared<HttpRequest>(std::move(head));
    if (!parser_->is_done() && beast::iequals(message[http::field::expect], "100-continue"))
      return write_continue();
    read_body();
  }

  void write_continue() {
    continue_ = http::response<http::empty_body>(http::status::continue_, 11);
    http::async_write(stream_, continue_, bind(&Connection::on_continue));
  }

  void on_continue(Failed failed, std::size_t) {
    if (!failed) read_body();
  }

  void read_body() { http::async_read(stream_, buffer_, *parser_, bind(&Connection::on_body)); }

  void on_body(Failed failed, std::size_t) {
    if (failed) return on_unread(failed);
    lowest().expires_never();
    request_->body = std::move(parser_->get().body());
    std::shared_ptr<const HttpRequest> request = std::move(request_);
    route(connections_.service(), std::move(request),
          [self = this->shared_from_this()](HttpResponse&& response) {
            self->hand_over(std::move(response));
          });
  }

  // From any thread.
  void hand_over(HttpResponse&& response) noexcept {
    try {
      net::post(stream_.get_executor(),
                [self = this->shared_from_this(), response = std::move(response)]() mutable {
                  self->write(std::move(response));
                });
    } catch (const std::exception&) {
      // No memory to answer with: the connection closes.
    }
  }

  // A request that did not come whole, or is none.
  void on_unread(Failed failed) {
    keep_alive_ = false;
    if (failed == http::error::body_limit)
      return write(refusal(413, "the body has more bytes than --max-message-bytes of the server"));
    if (failed == http::error::header_limit)
      return write(refusal(431, "the head has more bytes than the server reads"));
    const bool is_no_http = failed.category() == Failed(http::error::bad_method).category() &&
                            failed != http::error::end_of_stream &&
                            failed != http::error::partial_message;
    if (is_no_http) return write(refusal(400, "the request is no HTTP: " + failed.message()));
    close();
  }

  static HttpResponse refusal(unsigned status, const std::string& message) {
    HttpResponse response = response_of(RequestError(Code::invalid_argument, message));
    response.status = status;
    return response;
  }

  void write(HttpResponse&& response) {
    keep_alive_ = keep_alive_ && !connections_.ending();
    response_ = http::response<http::string_body>(http::int_to_status(response.status), 11);
    response_.set(http::field::content_type, response.content_type);
    if (response.json_bytes)
      response_.set("Inference-Header-Content-Length", std::to_string(*response.json_bytes));
    if (response.wants_token) response_.set(http::field::www_authenticate, "Bearer");
    if (!response.allow.empty()) response_.set(http::field::allow, response.allow);
    response_.keep_alive(keep_alive_);
    response_.body() = std::move(response.body);
    response_.prepare_payload();
    // A body would be taken for the next answer.
    if (parser_->get().method() == http::verb::head) response_.body().clear();
    lowest().expires_after(connections_.timeout());
    http::async_write(stream_, response_, bind(&Connection::on_written));
  }

  void on_written(Failed failed, std::size_t) {
    if (failed) return;
    response_ = {};  // an answer may be large
    if (keep_alive_) return read_head();
    close();
  }

  void close() {
    lowest().expires_after(kLinger);
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_shutdown(bind(&Connection::on_shutdown));
    } else {
      on_shutdown({});
    }
  }

  void on_shutdown(Failed) {
    Failed ignored;
    lowest().socket().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
    linger();
  }

  void linger() { lowest().async_read_some(net::buffer(rest_), bind(&Connection::on_lingered)); }

  void on_lingered(Failed failed, std::size_t) {
    if (!failed) linger();
  }

  Connections& connections_;
  std::shared_ptr<net::ssl::context> tls_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::shared_ptr<HttpRequest> request_;
  http::response<http::empty_body> continue_;
  http::response<http::string_body> response_;
  std::array<char, 4096> rest_{};
  bool keep_alive_ = false;
  bool reads_head_ = false;
};

}  // namespace

void serve(net::ip::tcp::socket socket, Connections& connections,
           const std::shared_ptr<net::ssl::context>& tls) {
  if (tls == nullptr) {
    std::make_shared<Connection<beast::tcp_stream>>(connections, tls, std::move(socket))->start();
  } else {
    std::make_shared<Connection<TlsStream>>(connections, tls, std::move(socket), *tls)->start();
  }
}

}  // namespace maxdot::server
