// What is asked of models whose items change: to change them, and what they are like.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "maxdot/live_index.hpp"
#include "server/base/log.hpp"
#include "server/base/request_error.hpp"
#include "server/base/tokens.hpp"
#include "server/models/models.hpp"
#include "server/service/metrics.hpp"
#include "server/write/write_request.hpp"

namespace maxdot::server {

/// Every member may be called from any number of threads.
class Catalogues {
 public:
  /// What was changed; null if there is no error. Called once; must not throw.
  using Done = std::function<void(const Change& change, const RequestError* error)>;
  using Decode = std::function<WriteRequest()>;

  /// Changes are made on `writes`, whose threads wait for the disk. What is referred to must
  /// outlive it.
  Catalogues(Models& models, Metrics& metrics, const Tokens& tokens, Log& log, const Limits& limits,
             boost::asio::any_io_executor writes);

  /// `decode` makes the request and may throw RequestError. Does not wait; `done` is called on a
  /// thread of `writes`, when the change is on the disk and searches see it, or at once if the
  /// request is refused. What the request views must live until then.
  void write(Protocol protocol, WriteKind kind, std::string_view authorization,
             const Decode& decode, Done done);

  /// Returns when no change waits or is made any more. Requires that no more come.
  void wait() const noexcept;

  /// Throws RequestError: unauthenticated, not_found, unavailable, unsupported (an index file).
  Snapshot snapshot(const std::string& model, std::string_view authorization) const;
  /// Throws as snapshot, and Error (io, out_of_memory).
  LiveStats stats(const std::string& model, std::string_view authorization) const;

 private:
  struct Pending;
  std::shared_ptr<Model> find(const std::string& name) const;
  void carry_out(Pending& pending) noexcept;
  void refuse(Pending& pending, const RequestError& error) noexcept;
  void count(const Pending& pending, const char* code) noexcept;

  Models& models_;
  Metrics& metrics_;
  const Tokens& tokens_;
  Log& log_;
  Limits limits_;
  boost::asio::any_io_executor writes_;
  // Changes that wait or are made. What counts itself may outlive this.
  std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace maxdot::server
