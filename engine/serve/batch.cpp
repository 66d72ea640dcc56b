#include "serve/batch.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <tuple>

namespace maxdot::serve {
namespace {

// Requests share a search of the largest k among them: the first of its results are theirs. A k
// more than this many times as large costs more than a search of its own. ("Requests whose k
// differ" in docs/measurements.md)
constexpr std::size_t kSharedK = 2;

// [results] Of one search, which lie in memory that is kept: 16 MiB and the counts.
constexpr std::size_t kMostResults = std::size_t{1} << 20;

// Requests that differ in any of these cannot share a search. (A LiveIndex may get another
// dimension while requests of the one before wait; they get errors of their own.) (Requests with
// permitted items and without: an empty list permits none.)
auto kind_of(const Request& request) {
  const RequestOptions& options = request.options;
  const std::span<const std::uint8_t> mask = options.filters.item_mask;
  return std::tuple(request.source.get(), request.queries.dtype, request.queries.cols,
                    options.metric ? static_cast<int>(*options.metric) : -1, options.score_kind,
                    mask.data(), options.filters.allow.absent());
}

SearchOptions options_of(const Request& request) {
  SearchOptions options;
  options.metric = request.options.metric;
  options.filters = request.options.filters;
  options.score_kind = request.options.score_kind;
  return options;
}

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Batch::Batch(const BatcherOptions& options) : options_(options) {
  if (options.on_batch != nullptr)
    waited_.reserve(options.most_batch_queries);  // a request has a query, at least
}

std::size_t Batch::answer(std::span<Request*> requests) noexcept {
  std::sort(requests.begin(), requests.end(), [](const Request* a, const Request* b) {
    const auto of_a = kind_of(*a);
    const auto of_b = kind_of(*b);
    return of_a != of_b ? std::less<>()(of_a, of_b) : a->k < b->k;
  });
  std::size_t searches = 0;
  for (std::size_t begin = 0; begin < requests.size();) {
    const Request& first = *requests[begin];
    std::size_t end = begin + 1;
    std::size_t queries = first.queries.rows;
    for (; end < requests.size(); ++end) {
      const Request& next = *requests[end];
      queries += next.queries.rows;
      if (kind_of(next) != kind_of(first) || next.k / kSharedK > first.k ||
          (next.k != 0 && queries > kMostResults / next.k))
        break;
    }
    const std::span<Request* const> shared = requests.subspan(begin, end - begin);
    begin = end;
    ++searches;
    if (shared.size() > 1) {
      try {
        answer_together(shared);
        continue;
      } catch (const Error&) {
      } catch (const std::bad_alloc&) {
      }
      // Memory ran out: what each needs alone is less.
    }
    for (Request* request : shared) answer_alone(*request);
  }
  return searches;
}

void Batch::search(std::span<Request* const> requests, const MatrixView& queries, std::size_t k,
                   const ResultView& out, SearchOptions options) {
  const Source& source = *requests.front()->source;
  options.threads = options_.threads;
  options.workspace = &workspace_;
  if (options_.on_batch == nullptr) return source.search_into(queries, k, out, options);
  BatchReport report;
  options.stats = &report.stats;
  const Clock::time_point begin = Clock::now();
  source.search_into(queries, k, out, options);
  report.seconds = seconds(Clock::now() - begin);
  report.queries = queries.rows;
  waited_.clear();
  for (const Request* request : requests) waited_.push_back(seconds(begin - request->arrived));
  report.waited = waited_;
  options_.on_batch(report);
}

void Batch::answer_alone(Request& request) noexcept {
  try {
    Request* const alone = &request;
    search({&alone, 1}, request.queries, request.k, request.out, options_of(request));
  } catch (const Error& error) {
    request.error = error;
  }
}

MatrixView Batch::gather_rows(std::span<Request* const> requests, std::size_t queries) {
  const MatrixView& first = requests.front()->queries;
  const std::size_t bytes = first.cols * size_of(first.dtype);
  rows_.resize(std::max(rows_.size(), queries * bytes));
  unsigned char* to = rows_.data();
  for (const Request* request : requests) {
    const auto* from = static_cast<const unsigned char*>(request->queries.data);
    for (std::size_t r = 0; r < request->queries.rows; ++r, to += bytes)
      std::memcpy(to, from + r * request->queries.stride_bytes, bytes);
  }
  return {rows_.data(), first.dtype, queries, first.cols, bytes};
}

IdLists Batch::gather(IdLists Filters::*lists, std::span<Request* const> requests,
                      OwnedIdLists& room) {
  const bool any = std::any_of(requests.begin(), requests.end(), [&](const Request* request) {
    return !(request->options.filters.*lists).absent();
  });
  if (!any) return {};
  room.offsets.assign(1, 0);
  room.ids.clear();
  for (const Request* request : requests) {
    const IdLists& own = request->options.filters.*lists;
    const auto before = static_cast<std::int64_t>(room.ids.size());
    for (std::size_t q = 0; q < request->queries.rows; ++q)
      room.offsets.push_back(before + (own.absent() ? 0 : own.offsets[q + 1]));
    room.ids.insert(room.ids.end(), own.ids.begin(), own.ids.end());
  }
  return room;
}

void Batch::answer_together(std::span<Request* const> requests) {
  std::size_t queries = 0;
  for (const Request* request : requests) queries += request->queries.rows;
  const std::size_t k = requests.back()->k;  // the largest
  ids_.resize(std::max(ids_.size(), queries * k));
  scores_.resize(ids_.size());
  counts_.resize(std::max(counts_.size(), queries));
  SearchOptions options = options_of(*requests.front());
  options.filters.exclude = gather(&Filters::exclude, requests, exclude_);
  options.filters.allow = gather(&Filters::allow, requests, allow_);
  search(requests, gather_rows(requests, queries), k, {ids_.data(), scores_.data(), counts_.data()},
         options);
  std::size_t row = 0;
  for (const Request* request : requests) {
    const ResultView& out = request->out;
    for (std::size_t q = 0; q < request->queries.rows; ++q, ++row) {
      std::copy_n(ids_.data() + row * k, request->k, out.ids + q * request->k);
      std::copy_n(scores_.data() + row * k, request->k, out.scores + q * request->k);
      if (out.counts != nullptr)
        out.counts[q] = std::min(counts_[row], static_cast<std::int64_t>(request->k));
    }
  }
}

}  // namespace maxdot::serve
