// The searches of the public Index: checks what the caller gives, then hands over to the engine.

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "api/index_parts.hpp"
#include "api/search_arguments.hpp"
#include "api/workspace_parts.hpp"
#include "base/checked.hpp"
#include "base/entry.hpp"
#include "base/result_memory.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "search/search.hpp"
#include "search/variants/multi.hpp"
#include "search/variants/range.hpp"
#include "store/encode.hpp"

namespace maxdot::api {

void check_result_memory(std::size_t queries, std::size_t k, std::uint64_t most_bytes) {
  const double bytes =
      static_cast<double>(queries) *
      (static_cast<double>(k) * (sizeof(std::int64_t) + sizeof(double)) + sizeof(std::int64_t));
  if (most_bytes == 0 && bytes <= static_cast<double>(base::kUnaskedBytes)) return;
  const double allowed = base::allowed_bytes(most_bytes);
  if (bytes <= allowed) return;
  const auto megabytes = [](double count) {
    return std::to_string(static_cast<std::uint64_t>(std::min(count, 1e18) / 1e6)) + " MB";
  };
  throw Error(ErrorCode::out_of_memory,
              "results of " + std::to_string(queries) + " queries with k = " + std::to_string(k) +
                  " do not fit in memory: they take " + megabytes(bytes) + ", and " +
                  megabytes(allowed) +
                  (most_bytes == 0 ? " are free" : " are allowed (most_result_bytes)") +
                  "; use a smaller k or fewer queries at once");
}

void check_results(const ResultView& out, std::size_t queries, std::size_t k) {
  if (queries != 0 && k != 0 && (out.ids == nullptr || out.scores == nullptr)) {
    throw Error(ErrorCode::invalid_argument,
                "results: ids and scores must point to [queries, k] elements");
  }
  const auto cells = base::checked_mul(queries, k);
  if (!cells || !base::checked_mul(*cells, sizeof(double))) {
    throw Error(ErrorCode::invalid_argument,
                "results: " + std::to_string(queries) + " queries with k = " + std::to_string(k) +
                    " are more than the address space holds; use a smaller k");
  }
}

SearchResult room_for(std::size_t queries, std::size_t k, std::uint64_t most_bytes) {
  check_result_memory(queries, k, most_bytes);
  SearchResult result;
  result.queries = queries;
  result.k = k;
  const auto cells = base::checked_mul(queries, k);
  base::entry(
      [&] {
        return "results of " + std::to_string(queries) + " queries with k = " + std::to_string(k) +
               " do not fit in memory; use a smaller k";
      },
      [&] {
        if (!cells) throw std::bad_alloc();
        result.ids.resize(static_cast<std::size_t>(*cells));
        result.scores.resize(static_cast<std::size_t>(*cells));
        result.counts.resize(queries);
      });
  return result;
}

}  // namespace maxdot::api

namespace maxdot {
inline namespace v0_1 {
namespace {

using api::check_results;
using api::checked_thresholds;
using api::checked_users;
using api::room_for;

ResultView view_of(SearchResult& result) {
  return {result.ids.data(), result.scores.data(), result.counts.data()};
}

/// For a call within a call: the outer one's holds.
SearchOptions without_stop(const SearchOptions& options) {
  SearchOptions rest = options;
  rest.stop = {};
  return rest;
}

/// A call that was checked. Calls engine(items, kernels, request).
template <typename Engine>
auto call(const api::IndexParts& index, const MatrixView& queries, const char* name, std::size_t k,
          std::size_t lists, const char* owners, const SearchOptions& options, Engine&& engine) {
  const store::ItemStore& items = *index.items;
  const int threads = api::search_threads(options.threads, items, queries.rows);
  const Metric metric = api::checked_metric(options.metric.value_or(items.metric));
  api::check_queries(items, queries, name, threads);
  const search::FilterRequest filters = api::checked_filters(index, options.filters, lists, owners);
  search::Request request = {queries, k, metric, threads, options.stats};
  if (!options.filters.empty()) request.filters = &filters;
  request.kept = api::WorkspaceParts::of(options.workspace);
  request.most_result_bytes = options.most_result_bytes;
  request.keys = api::checked_score_kind(options.score_kind) == ScoreKind::keys;
  return engine(items, kernels::active_table(), request);
}

auto no_memory_for(const MatrixView& queries, const char* name) {
  return [&queries, name] {
    return "no memory for the search of " + std::to_string(queries.rows) + " " + name +
           "; use fewer at once";
  };
}

}  // namespace

void check_result_memory(std::size_t queries, std::size_t k, std::uint64_t most_bytes) {
  base::entry([] { return std::string("no memory for a message"); },
              [&] { api::check_result_memory(queries, k, most_bytes); });
}

SearchResult Index::search(const MatrixView& queries, std::size_t k,
                           const SearchOptions& options) const {
  return base::entry(options.stop, no_memory_for(queries, "queries"), [&] {
    store::check_shape(queries, "queries");  // before memory is taken for what they claim to be
    SearchResult result = room_for(queries.rows, k, options.most_result_bytes);
    search_into(queries, k, view_of(result), without_stop(options));
    return result;
  });
}

void Index::search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                        const SearchOptions& options) const {
  base::entry(options.stop, no_memory_for(queries, "queries"), [&] {
    check_results(out, queries.rows, k);
    call(api::IndexParts::of(*this), queries, "queries", k, queries.rows, "queries", options,
         [&](const auto& items, const auto& kernels, const auto& request) {
           search::search(items, kernels, request, out);
         });
  });
}

SearchResult Index::search_multi(const MatrixView& interests, std::size_t per_user, std::size_t k,
                                 const SearchOptions& options) const {
  return base::entry(options.stop, no_memory_for(interests, "interests"), [&] {
    store::check_shape(interests, "interests");
    SearchResult result =
        room_for(checked_users(interests, per_user), k, options.most_result_bytes);
    search_multi_into(interests, per_user, k, view_of(result), without_stop(options));
    return result;
  });
}

void Index::search_multi_into(const MatrixView& interests, std::size_t per_user, std::size_t k,
                              const ResultView& out, const SearchOptions& options) const {
  base::entry(options.stop, no_memory_for(interests, "interests"), [&] {
    const std::size_t users = checked_users(interests, per_user);
    check_results(out, users, k);
    call(api::IndexParts::of(*this), interests, "interests", k, users, "users", options,
         [&](const auto& items, const auto& kernels, const auto& request) {
           search::multi(items, kernels, request, per_user, out);
         });
  });
}

RangeResult Index::search_range(const MatrixView& queries, std::span<const double> thresholds,
                                const SearchOptions& options) const {
  return base::entry(options.stop, no_memory_for(queries, "queries"), [&] {
    store::check_shape(queries, "queries");
    const std::vector<double> limits = checked_thresholds(thresholds, queries.rows);
    return call(api::IndexParts::of(*this), queries, "queries", 0, queries.rows, "queries", options,
                [&](const auto& items, const auto& kernels, const auto& request) {
                  return search::range(items, kernels, request, limits);
                });
  });
}

}  // namespace v0_1
}  // namespace maxdot
