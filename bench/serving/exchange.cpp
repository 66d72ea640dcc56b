#include "exchange.hpp"

#include "console/failure.hpp"

namespace maxdot::load {
namespace {

namespace net = boost::asio;
using net::ip::tcp;
using tools::ExitCode;
using tools::Failure;

tcp::endpoint endpoint_of(net::io_context& io, const Address& address) {
  boost::system::error_code failed;
  const auto found = tcp::resolver(io).resolve(address.host, address.port, failed);
  if (failed || found.empty()) {
    throw Failure(ExitCode::io, address.host + ":" + address.port + ": cannot be found: " +
                                    failed.message() + "; give HOST:PORT of a server that runs");
  }
  return found.begin()->endpoint();
}

}  // namespace

Exchange::Exchange(const Address& address, std::size_t connections, Answered answered)
    : answered_(std::move(answered)), numbers_(connections) {
  const tcp::endpoint server = endpoint_of(io_, address);
  for (std::size_t i = 0; i < connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(
        io_, server, [this](Connection& connection, unsigned status, const std::string& body) {
          on_answer(connection, status, body);
        }));
    Connection& connection = *connections_.back();
    connection.place = i;
    if (const auto failed = connection.open()) {
      throw Failure(ExitCode::io, address.host + ":" + address.port + ": connection " +
                                      std::to_string(i + 1) +
                                      " cannot be opened: " + failed.message() +
                                      "; start the server, ask for fewer connections, or raise "
                                      "the limit of open files (ulimit -n)");
    }
    free_.push_back(&connection);
  }
}

void Exchange::ask(std::size_t number, const std::string& request) {
  Connection& connection = *free_.back();
  free_.pop_back();
  numbers_[connection.place] = number;
  connection.ask(request);
}

void Exchange::on_answer(Connection& connection, unsigned status, const std::string& body) {
  free_.push_back(&connection);
  answered_(numbers_[connection.place], status, body);
}

}  // namespace maxdot::load
