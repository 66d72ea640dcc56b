// What both protocols ask: it decides, counts and logs; they translate.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/base/log.hpp"
#include "server/base/request_error.hpp"
#include "server/base/tokens.hpp"
#include "server/infer/infer_request.hpp"
#include "server/models/models.hpp"
#include "server/service/catalogues.hpp"
#include "server/service/metrics.hpp"

namespace maxdot::server {

/// Parts of the protocol that are offered beyond its core, by the names that clients know.
inline constexpr const char* kExtensions[] = {"binary_tensor_data", "model_repository",
                                              "model_configuration", "parameters"};

/// Every member may be called from any number of threads.
class Service {
 public:
  /// Null if there is no error. Called once; must not throw.
  using InferDone = std::function<void(InferAnswer&& answer, const RequestError* error)>;
  using ChangeDone = std::function<void(const RequestError* error)>;
  using Decode = std::function<InferRequest()>;

  /// Answers are handed over on `answers`, whose threads must not be those that search; models are
  /// loaded on `loads`, one thread; their items are changed on `writes`. What is referred to must
  /// outlive it.
  Service(Models& models, Metrics& metrics, const Tokens& tokens, Log& log, const Limits& limits,
          boost::asio::any_io_executor answers, boost::asio::any_io_executor loads,
          boost::asio::any_io_executor writes);

  /// `decode` makes the request and may throw RequestError. Does not wait; `done` is called on a
  /// thread of `answers`, or at once if the request is refused. What the request views must live
  /// until then.
  void infer(Protocol protocol, std::string_view authorization, const Decode& decode,
             InferDone done);

  /// Whether requests are taken.
  bool ready() const noexcept { return ready_.load(std::memory_order_relaxed); }
  void set_ready(bool ready);

  /// Throws RequestError: unauthenticated, not_found, unavailable.
  ModelInfo model(const std::string& name, const std::string& version,
                  std::string_view authorization) const;
  std::vector<ModelState> models(std::string_view authorization) const;
  void check(Access access, std::string_view authorization) const {
    tokens_.check(access, authorization);
  }

  enum class Change { load, unload };
  /// `done` is called on the thread of `loads`, or at once if the change is refused.
  void change(Change change, const std::string& model, std::string_view authorization,
              ChangeDone done);

  Catalogues& catalogues() noexcept { return catalogues_; }
  const Catalogues& catalogues() const noexcept { return catalogues_; }

  /// What Prometheus reads.
  std::string metrics() const { return metrics_.text(models_.list()); }
  const Limits& limits() const noexcept { return limits_; }

 private:
  struct Pending;
  void hand_over(const std::shared_ptr<Pending>& pending, SearchResult&& result,
                 const std::string& version, const Error* error) noexcept;
  void answer(Pending& pending, SearchResult&& result, const std::string& version,
              const Error* error) noexcept;
  void refuse(Pending& pending, const RequestError& error) noexcept;
  void count(const Pending& pending, const char* code) noexcept;

  Models& models_;
  Metrics& metrics_;
  const Tokens& tokens_;
  Log& log_;
  Limits limits_;
  boost::asio::any_io_executor answers_;
  boost::asio::any_io_executor loads_;
  Catalogues catalogues_;
  std::atomic<bool> ready_ = false;
  std::atomic<int> waiting_changes_ = 0;
};

}  // namespace maxdot::server
