#include "server/base/tokens.hpp"

#include <openssl/crypto.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

#include "console/failure.hpp"
#include "server/base/request_error.hpp"

namespace maxdot::server {
namespace {

using tools::ExitCode;
using tools::Failure;

// The file's text without white space at its end.
std::string read_token(const std::string& path) {
  if (path.empty()) return "";
  constexpr std::size_t kMost = 4096;
  std::ifstream file(path, std::ios::binary);
  std::string token(kMost + 1, '\0');
  if (file) file.read(token.data(), static_cast<std::streamsize>(token.size()));
  if (!file && !file.eof()) throw tools::io_failure(path, "read", errno, "check the token file");
  token.resize(static_cast<std::size_t>(file.gcount()));
  if (token.size() > kMost)
    throw Failure(ExitCode::bad_data, path + ": has more than 4,096 bytes; is it a token?");
  while (!token.empty() && std::string_view(" \t\r\n").find(token.back()) != std::string_view::npos)
    token.pop_back();
  if (token.empty())
    throw Failure(ExitCode::bad_data, path + ": holds no token; write one into it");
  return token;
}

// The time does not depend on where they differ. An empty token fits nothing.
bool fits(const std::string& token, std::string_view given) noexcept {
  return !token.empty() && token.size() == given.size() &&
         CRYPTO_memcmp(token.data(), given.data(), given.size()) == 0;
}

}  // namespace

Tokens::Tokens(std::string read_path, std::string write_path, bool writes_are_closed)
    : read_path_(std::move(read_path)),
      write_path_(std::move(write_path)),
      writes_are_closed_(writes_are_closed) {
  reload();
}

void Tokens::reload() {
  auto next =
      std::make_shared<const Values>(Values{read_token(read_path_), read_token(write_path_)});
  const std::lock_guard lock(mutex_);
  values_.swap(next);
}

std::shared_ptr<const Tokens::Values> Tokens::values() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

void Tokens::check(Access access, std::string_view authorization) const {
  const std::shared_ptr<const Values> expected = values();
  constexpr std::string_view kScheme = "Bearer ";
  std::string_view given;
  if (authorization.starts_with(kScheme)) given = authorization.substr(kScheme.size());
  if (access == Access::read) {
    if (expected->read.empty() || fits(expected->read, given) || fits(expected->write, given))
      return;
  } else if (expected->write.empty()) {
    if (!writes_are_closed_) return;
    throw RequestError(Code::unauthenticated,
                       "the server was started without --write-token-file, and listens beyond this "
                       "machine: it takes no changes");
  } else if (fits(expected->write, given)) {
    return;
  }
  throw RequestError(
      Code::unauthenticated,
      std::string("send the header 'authorization: Bearer <token>' with the token for ") +
          (access == Access::read ? "reads" : "changes"));
}

}  // namespace maxdot::server
