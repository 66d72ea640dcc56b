#include "maxdot/batcher.hpp"

#include <cstring>
#include <string>
#include <utility>

#include "api/index_parts.hpp"
#include "base/entry.hpp"
#include "base/thread_slot.hpp"
#include "live/snapshot_parts.hpp"
#include "serve/queue.hpp"
#include "serve/request.hpp"
#include "serve/source.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

using serve::Request;
using serve::Submitted;

const auto no_memory = [] { return std::string("no memory for a Batcher or a request of one"); };

void ask_for(Request& request, std::shared_ptr<const serve::Source> source,
             const MatrixView& queries, std::size_t k, const RequestOptions& options) {
  request.source = std::move(source);
  request.queries = queries;
  request.k = k;
  request.options = options;
  request.arrived = serve::Clock::now();
  serve::check(request);
  // [seconds] Longer than any request waits, and far from the end of the clock.
  constexpr double kForever = 1e9;
  if (options.timeout > 0.0 && options.timeout < kForever) {
    request.deadline = request.arrived + std::chrono::duration_cast<serve::Clock::duration>(
                                             std::chrono::duration<double>(options.timeout));
  }
}

const base::ThreadSlot<std::shared_ptr<serve::Signal>> kept_signal;

// Each thread has one for all its requests.
std::shared_ptr<serve::Signal> signal_of_thread() {
  if (const auto* own = kept_signal.get()) return *own;
  auto made = std::make_shared<serve::Signal>();
  static_cast<void>(kept_signal.keep(std::make_unique<std::shared_ptr<serve::Signal>>(made)));
  return made;
}

// Outside of base::entry: a thread that waits is no call under way, and takes no share of the
// cores. A request without queries has nothing to wait for.
void ask(serve::Queue& queue, Request& request) {
  if (request.queries.rows != 0) queue.ask(request);
}

ResultView view_of(SearchResult& result) {
  return {result.ids.data(), result.scores.data(), result.counts.data()};
}

void copy_rows(Submitted& request) {
  const MatrixView& from = request.queries;
  const std::size_t bytes = from.cols * size_of(from.dtype);
  request.rows.resize(from.rows * bytes);
  for (std::size_t r = 0; r < from.rows; ++r) {
    std::memcpy(request.rows.data() + r * bytes,
                static_cast<const unsigned char*>(from.data) + r * from.stride_bytes, bytes);
  }
  request.queries = {request.rows.data(), from.dtype, from.rows, from.cols, bytes};
}

std::unique_ptr<serve::Queue> make_queue(serve::Source source, const BatcherOptions& options) {
  (void)api::checked_threads(options.threads);
  constexpr std::size_t kMostBatchQueries = 65'536;
  if (options.most_batch_queries == 0 || options.most_batch_queries > kMostBatchQueries) {
    throw Error(ErrorCode::invalid_argument,
                "most_batch_queries: " + std::to_string(options.most_batch_queries) +
                    " is outside 1 to " + std::to_string(kMostBatchQueries));
  }
  if (options.most_waiting_queries == 0)
    throw Error(ErrorCode::invalid_argument, "most_waiting_queries: must be at least 1");
  return std::make_unique<serve::Queue>(std::move(source), options);
}

}  // namespace

Batcher::Batcher(const Index& index, const BatcherOptions& options) {
  base::entry(no_memory, [&] { queue_ = make_queue(serve::Source(index), options); });
}

Batcher::Batcher(const LiveIndex& index, const BatcherOptions& options) {
  base::entry(no_memory,
              [&] { queue_ = make_queue(serve::Source(live::SnapshotParts::of(index)), options); });
}

Batcher::~Batcher() = default;

SearchResult Batcher::search(const MatrixView& queries, std::size_t k,
                             const RequestOptions& options) {
  Request request;
  SearchResult result = base::entry(no_memory, [&] {
    ask_for(request, queue_->source(), queries, k, options);
    request.waiter = signal_of_thread();
    return api::room_for(queries.rows, k);
  });
  request.out = view_of(result);
  ask(*queue_, request);
  return result;
}

void Batcher::search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                          const RequestOptions& options) {
  Request request;
  base::entry(no_memory, [&] {
    api::check_results(out, queries.rows, k);
    ask_for(request, queue_->source(), queries, k, options);
    request.waiter = signal_of_thread();
    request.out = out;
  });
  ask(*queue_, request);
}

void Batcher::submit(const MatrixView& queries, std::size_t k, Done done,
                     const RequestOptions& options) {
  base::entry(no_memory, [&] {
    if (done == nullptr) throw Error(ErrorCode::invalid_argument, "done: is no function");
    auto request = std::make_unique<Submitted>();
    ask_for(*request, queue_->source(), queries, k, options);
    copy_rows(*request);
    request->result = api::room_for(queries.rows, k);
    request->out = view_of(request->result);
    request->done = std::move(done);
    if (options.timeout > 0.0) request->if_late = serve::late_error(*request);
    if (queries.rows == 0) return request->answer();
    queue_->add(std::move(request));
  });
}

std::future<SearchResult> Batcher::submit(const MatrixView& queries, std::size_t k,
                                          const RequestOptions& options) {
  return base::entry(no_memory, [&] {
    auto promise = std::make_shared<std::promise<SearchResult>>();
    std::future<SearchResult> future = promise->get_future();
    submit(
        queries, k,
        [promise](SearchResult&& result, const Error* error) {
          if (error == nullptr) {
            promise->set_value(std::move(result));
          } else {
            promise->set_exception(std::make_exception_ptr(*error));
          }
        },
        options);
    return future;
  });
}

void Batcher::replace(const Index& index) {
  base::entry(no_memory, [&] { queue_->replace(serve::Source(index)); });
}

Index Batcher::index() const { return queue_->source()->index(); }

BatcherStats Batcher::stats() const noexcept { return queue_->stats(); }

}  // namespace v0_1
}  // namespace maxdot
