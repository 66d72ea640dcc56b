// Who may ask: bearer tokens, read from files.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace maxdot::server {

enum class Access { read, write };

/// Safe from any number of threads.
class Tokens {
 public:
  /// An empty path: no token is needed, except that writes need one if `writes_are_closed`. Throws
  /// tools::Failure: io, bad_data (a file without a token).
  Tokens(std::string read_path, std::string write_path, bool writes_are_closed);

  /// Reads the files again. Throws as above; then the tokens from before hold.
  void reload();

  /// `authorization` is the value of the header, "Bearer <token>", or empty. Who may write may
  /// read. Throws RequestError (unauthenticated).
  void check(Access access, std::string_view authorization) const;

 private:
  struct Values {
    std::string read;
    std::string write;
  };
  std::shared_ptr<const Values> values() const;

  std::string read_path_;
  std::string write_path_;
  bool writes_are_closed_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Values> values_;
};

}  // namespace maxdot::server
