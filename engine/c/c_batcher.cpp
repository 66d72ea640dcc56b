// The Batcher from C.

#include <cstdint>
#include <memory>

#include "c/c_arguments.hpp"
#include "c/c_status.hpp"
#include "maxdot/batcher.hpp"
#include "maxdot/error.hpp"
#include "maxdot/maxdot.h"

using namespace maxdot;

struct maxdot_batcher {
  Batcher batcher;
};

namespace {

BatcherOptions batching_of(const maxdot_batcher_options* options) {
  const maxdot_batcher_options given = c::options_of(options, "options");
  BatcherOptions batching;
  batching.threads = c::threads_of(given.threads);
  if (given.most_batch_queries != 0) {
    batching.most_batch_queries =
        c::size_of_argument(given.most_batch_queries, "most_batch_queries");
  }
  if (given.most_waiting_queries != 0) {
    batching.most_waiting_queries =
        c::size_of_argument(given.most_waiting_queries, "most_waiting_queries");
  }
  return batching;
}

RequestOptions request_of(const maxdot_request_options* options, std::size_t queries) {
  const maxdot_request_options given = c::options_of(options, "options");
  RequestOptions request;
  request.metric = c::metric_of(given.metric);
  request.score_kind = c::score_kind_of(given.score_kind);
  request.filters.exclude = c::lists_of(given.exclude, queries, "exclude");
  request.filters.allow = c::lists_of(given.allow, queries, "allow");
  // Another thread may replace the index at any time, so a mask says how long it is.
  const std::size_t masked = c::size_of_argument(given.item_mask_size, "item_mask_size");
  if ((given.item_mask == nullptr) != (masked == 0)) {
    throw Error(ErrorCode::invalid_argument,
                "item_mask: give the mask and item_mask_size, or neither");
  }
  request.filters.item_mask = {given.item_mask, masked};
  request.timeout = given.timeout;
  return request;
}

maxdot_answer answer_of(const SearchResult& result, const Error* error) noexcept {
  maxdot_answer answer = {};
  answer.struct_size = sizeof answer;
  answer.status = error == nullptr ? MAXDOT_OK : static_cast<maxdot_status>(error->code());
  answer.error = error == nullptr ? "" : error->what();
  if (error != nullptr) return answer;
  answer.queries = static_cast<std::int64_t>(result.queries);
  answer.k = static_cast<std::int64_t>(result.k);
  answer.ids = result.ids.data();
  answer.scores = result.scores.data();
  answer.counts = result.counts.data();
  return answer;
}

}  // namespace

extern "C" {

maxdot_status maxdot_batcher_create(const maxdot_index* index,
                                    const maxdot_batcher_options* options, maxdot_batcher** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    const Index& known = c::required(index, "index").index;
    *made = new maxdot_batcher{Batcher(known, batching_of(options))};
  });
}

maxdot_status maxdot_batcher_create_live(const maxdot_live* live,
                                         const maxdot_batcher_options* options,
                                         maxdot_batcher** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    const LiveIndex& known = c::required(live, "live").index;
    *made = new maxdot_batcher{Batcher(known, batching_of(options))};
  });
}

void maxdot_batcher_free(maxdot_batcher* batcher) {
  const c::NoThreadCancel no_cancel;  // it waits for its thread
  delete batcher;
}

maxdot_status maxdot_batcher_search(maxdot_batcher* batcher, const maxdot_matrix* queries,
                                    int64_t k, const maxdot_request_options* options, int64_t* ids,
                                    double* scores, int64_t* counts) {
  return c::guarded([&] {
    Batcher& asked = c::required(batcher, "batcher").batcher;
    const MatrixView rows = c::matrix_of(queries, "queries");
    asked.search_into(rows, c::size_of_argument(k, "k"), {ids, scores, counts},
                      request_of(options, rows.rows));
  });
}

maxdot_status maxdot_batcher_submit(maxdot_batcher* batcher, const maxdot_matrix* queries,
                                    int64_t k, const maxdot_request_options* options,
                                    maxdot_answered answered, void* context) {
  return c::guarded([&] {
    Batcher& asked = c::required(batcher, "batcher").batcher;
    const MatrixView rows = c::matrix_of(queries, "queries");
    if (answered == nullptr) c::refuse_null("answered");
    asked.submit(
        rows, c::size_of_argument(k, "k"),
        [answered, context](SearchResult&& result, const Error* error) {
          const maxdot_answer answer = answer_of(result, error);
          answered(context, &answer);
        },
        request_of(options, rows.rows));
  });
}

maxdot_status maxdot_batcher_replace(maxdot_batcher* batcher, const maxdot_index* index) {
  return c::guarded(
      [&] { c::required(batcher, "batcher").batcher.replace(c::required(index, "index").index); });
}

maxdot_status maxdot_batcher_get_stats(const maxdot_batcher* batcher, maxdot_batcher_stats* stats) {
  return c::guarded([&] {
    const BatcherStats known = c::required(batcher, "batcher").batcher.stats();
    maxdot_batcher_stats told = {};
    told.requests = known.requests;
    told.queries = known.queries;
    told.batches = known.batches;
    told.largest_batch = known.largest_batch;
    told.overloaded = known.overloaded;
    told.timeouts = known.timeouts;
    told.waiting_queries = known.waiting_queries;
    c::tell(told, stats, "stats");
  });
}

}  // extern "C"
