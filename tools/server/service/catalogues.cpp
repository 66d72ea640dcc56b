#include "server/service/catalogues.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace maxdot::server {
namespace {

// Changes that wait or are made, at most; each keeps its message.
constexpr int kMostWaitingWrites = 64;

// Counts a change while it waits or is made.
class Counted {
 public:
  explicit Counted(std::shared_ptr<std::atomic<int>> count)
      : count_(std::move(count)), others_(count_->fetch_add(1)) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    count_->fetch_sub(1);
    count_->notify_all();
  }

  /// That were counted when it came.
  int others() const noexcept { return others_; }

 private:
  std::shared_ptr<std::atomic<int>> count_;
  int others_;
};

}  // namespace

struct Catalogues::Pending {
  Pending(std::shared_ptr<std::atomic<int>> waiting, Protocol asked_by, WriteKind asked, Done told)
      : counted(std::move(waiting)), protocol(asked_by), kind(asked), done(std::move(told)) {}

  double age() const noexcept {
    const std::chrono::duration<double> age = std::chrono::steady_clock::now() - begin;
    return age.count();
  }

  Counted counted;  // the first, which ends last: who waits may then end what `done` refers to
  Protocol protocol;
  WriteKind kind;
  Done done;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  WriteRequest request;
  std::shared_ptr<Model> model;  // null until it is known that there is one
  Write write;
};

Catalogues::Catalogues(Models& models, Metrics& metrics, const Tokens& tokens, Log& log,
                       const Limits& limits, boost::asio::any_io_executor writes)
    : models_(models),
      metrics_(metrics),
      tokens_(tokens),
      log_(log),
      limits_(limits),
      writes_(std::move(writes)) {}

void Catalogues::write(Protocol protocol, WriteKind kind, std::string_view authorization,
                       const Decode& decode, Done done) {
  const auto pending = std::make_shared<Pending>(waiting_, protocol, kind, std::move(done));
  try {
    tokens_.check(Access::write, authorization);
    if (pending->counted.others() >= kMostWaitingWrites)
      throw RequestError(Code::overloaded, "too many changes wait; ask again later");
    pending->request = decode();
    pending->model = find(pending->request.model);
    if (pending->model->writable() == nullptr) {
      throw RequestError(Code::unsupported, "model " + in_quotes(pending->request.model) +
                                                ": this server was started with --live-read-only; "
                                                "send changes to the one that writes");
    }
    pending->write = write_of(kind, pending->request, limits_);
    boost::asio::post(writes_, [this, pending] { carry_out(*pending); });
  } catch (...) {
    refuse(*pending, request_error_in_flight());
  }
}

void Catalogues::carry_out(Pending& pending) noexcept {
  Change change;
  try {
    const double deadline = pending.request.deadline;
    if (deadline > 0.0 && pending.age() >= deadline) {
      throw RequestError(Code::timeout,
                         "the deadline was over before the change began: nothing was changed");
    }
    LiveIndex& catalogue = *pending.model->writable();
    const Write& write = pending.write;
    change = pending.kind == WriteKind::upsert ? catalogue.upsert(write.ids, write.rows)
                                               : catalogue.remove(write.ids);
  } catch (...) {
    return refuse(pending, request_error_in_flight());
  }
  count(pending, "ok");
  pending.done(change, nullptr);
}

void Catalogues::refuse(Pending& pending, const RequestError& error) noexcept {
  count(pending, to_string(error.code()));
  // What clients do wrong is told to them; a flood of it must not fill the log.
  const bool is_own_fault = error.code() == Code::internal || error.code() == Code::out_of_memory;
  const Level level = is_own_fault ? Level::error : Level::debug;
  if (log_.shows(level)) {
    log_.write(level, "write_failed",
               {{"protocol", to_string(pending.protocol)},
                {"kind", to_string(pending.kind)},
                {"model", pending.request.model},
                {"code", to_string(error.code())},
                {"error", error.what()}});
  }
  pending.done({}, &error);
}

void Catalogues::count(const Pending& pending, const char* code) noexcept {
  try {
    // Names that clients make up must not become time series.
    const std::string& model = pending.model != nullptr ? pending.request.model : std::string();
    metrics_.written(model, to_string(pending.kind), pending.protocol, code, pending.age());
  } catch (const std::exception&) {
    // No memory for a new time series: the answer matters more.
  }
}

void Catalogues::wait() const noexcept {
  for (int left = waiting_->load(); left != 0; left = waiting_->load()) waiting_->wait(left);
}

std::shared_ptr<Model> Catalogues::find(const std::string& name) const {
  std::shared_ptr<Model> model = models_.find(name, "");
  if (model->live() == nullptr) {
    throw RequestError(Code::unsupported, "model " + in_quotes(name) +
                                              ": is an index file, whose items do not change; "
                                              "serve the folder of a LiveIndex");
  }
  return model;
}

Snapshot Catalogues::snapshot(const std::string& model, std::string_view authorization) const {
  tokens_.check(Access::read, authorization);
  return find(model)->live()->snapshot();
}

LiveStats Catalogues::stats(const std::string& model, std::string_view authorization) const {
  tokens_.check(Access::read, authorization);
  return find(model)->live()->stats();
}

}  // namespace maxdot::server
