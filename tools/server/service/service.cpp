#include "server/service/service.hpp"

#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

namespace maxdot::server {
namespace {

// Loads that wait, at most; each takes as long as a file is read.
constexpr int kMostWaitingChanges = 64;

// Gives the place of a load back, wherever that ends.
using Counted = std::shared_ptr<std::atomic<int>>;

}  // namespace

struct Service::Pending {
  Pending(Protocol asked_by, InferDone told) : protocol(asked_by), done(std::move(told)) {}

  Protocol protocol;
  InferDone done;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  InferRequest request;
  std::string model;  // empty until it is known that there is one
  std::size_t queries = 0;
};

Service::Service(Models& models, Metrics& metrics, const Tokens& tokens, Log& log,
                 const Limits& limits, boost::asio::any_io_executor answers,
                 boost::asio::any_io_executor loads, boost::asio::any_io_executor writes)
    : models_(models),
      metrics_(metrics),
      tokens_(tokens),
      log_(log),
      limits_(limits),
      answers_(std::move(answers)),
      loads_(std::move(loads)),
      catalogues_(models, metrics, tokens, log, limits, std::move(writes)) {}

void Service::set_ready(bool ready) {
  ready_.store(ready, std::memory_order_relaxed);
  metrics_.set_ready(ready);
}

void Service::infer(Protocol protocol, std::string_view authorization, const Decode& decode,
                    InferDone done) {
  const auto pending = std::make_shared<Pending>(protocol, std::move(done));
  try {
    tokens_.check(Access::read, authorization);
    pending->request = decode();
    InferRequest& request = pending->request;
    const std::shared_ptr<Model> model = models_.find(request.model, request.version);
    pending->model = request.model;
    const Search search = search_of(request, limits_);
    pending->queries = search.queries.rows;
    model->submit(
        search.queries, search.k, search.options,
        [this, pending](SearchResult&& result, const std::string& version, const Error* error) {
          hand_over(pending, std::move(result), version, error);
        });
  } catch (...) {
    refuse(*pending, request_error_in_flight());
  }
}

// On the thread that has searched, which must not be kept: an answer takes longer than a queue.
void Service::hand_over(const std::shared_ptr<Pending>& pending, SearchResult&& result,
                        const std::string& version, const Error* error) noexcept {
  std::optional<Error> kept;
  if (error != nullptr) kept = *error;
  try {
    boost::asio::post(answers_,
                      [this, pending, kept, version, result = std::move(result)]() mutable {
                        answer(*pending, std::move(result), version, kept ? &*kept : nullptr);
                      });
  } catch (...) {
    refuse(*pending, request_error_in_flight());
  }
}

void Service::answer(Pending& pending, SearchResult&& result, const std::string& version,
                     const Error* error) noexcept {
  if (error != nullptr) return refuse(pending, request_error(*error));
  InferAnswer answer;
  try {
    const std::string& asked = pending.request.version;
    // The model may have got another one after the request had found it.
    if (!asked.empty() && asked != version)
      throw no_such_version(pending.request.model, asked, version);
    answer = answer_of(pending.request, version, std::move(result));
  } catch (...) {
    return refuse(pending, request_error_in_flight());
  }
  count(pending, "ok");
  pending.done(std::move(answer), nullptr);
}

void Service::refuse(Pending& pending, const RequestError& error) noexcept {
  count(pending, to_string(error.code()));
  // What clients do wrong is told to them; a flood of it must not fill the log.
  const bool is_own_fault = error.code() == Code::internal || error.code() == Code::out_of_memory;
  const Level level = is_own_fault ? Level::error : Level::debug;
  if (log_.shows(level)) {
    log_.write(level, "request_failed",
               {{"protocol", to_string(pending.protocol)},
                {"id", pending.request.id},
                {"model", pending.request.model},
                {"code", to_string(error.code())},
                {"error", error.what()}});
  }
  pending.done({}, &error);
}

void Service::count(const Pending& pending, const char* code) noexcept {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - pending.begin;
  try {
    metrics_.answered(pending.model, pending.protocol, code, took.count(), pending.queries);
  } catch (const std::exception&) {
    // No memory for a new time series: the answer matters more.
  }
  if (!log_.shows(Level::debug) || code != std::string_view("ok")) return;
  log_.write(Level::debug, "request",
             {{"protocol", to_string(pending.protocol)},
              {"id", pending.request.id},
              {"model", pending.model},
              {"queries", pending.queries},
              {"seconds", took.count()}});
}

ModelInfo Service::model(const std::string& name, const std::string& version,
                         std::string_view authorization) const {
  tokens_.check(Access::read, authorization);
  return models_.find(name, version)->info();
}

std::vector<ModelState> Service::models(std::string_view authorization) const {
  tokens_.check(Access::read, authorization);
  return models_.list();
}

void Service::change(Change change, const std::string& model, std::string_view authorization,
                     ChangeDone done) {
  try {
    tokens_.check(Access::write, authorization);
    if (waiting_changes_.fetch_add(1) >= kMostWaitingChanges) {
      waiting_changes_.fetch_sub(1);
      throw RequestError(Code::overloaded, "too many loads wait; ask again later");
    }
    Counted counted(&waiting_changes_, [](std::atomic<int>* count) { count->fetch_sub(1); });
    boost::asio::post(loads_, [this, counted = std::move(counted), change, model, done]() mutable {
      std::optional<RequestError> failed;
      try {
        if (change == Change::load) {
          models_.load(model);
        } else {
          models_.unload(model);
        }
      } catch (...) {
        failed = request_error_in_flight();
      }
      counted.reset();
      done(failed ? &*failed : nullptr);
    });
  } catch (...) {
    const RequestError error = request_error_in_flight();
    done(&error);
  }
}

}  // namespace maxdot::server
