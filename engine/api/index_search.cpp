// The searches of the public Index: checks what the caller gives, then hands over to the engine.

#include <cmath>
#include <new>
#include <string>
#include <vector>

#include "api/index_impl.hpp"
#include "base/checked.hpp"
#include "base/entry.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "search/search.hpp"
#include "search/variants/multi.hpp"
#include "search/variants/range.hpp"
#include "store/encode.hpp"

namespace maxdot {

namespace api {

SearchResult room_for(std::size_t queries, std::size_t k) {
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

}  // namespace api

namespace {

using api::room_for;

ResultView view_of(SearchResult& result) {
  return {result.ids.data(), result.scores.data(), result.counts.data()};
}

void check_results(const ResultView& out, std::size_t queries, std::size_t k) {
  if (queries != 0 && k != 0 && (out.ids == nullptr || out.scores == nullptr)) {
    throw Error(ErrorCode::invalid_argument,
                "results: ids and scores must point to [queries, k] elements");
  }
}

/// A call that was checked. Calls engine(items, kernels, request).
template <typename Engine>
auto call(const Index::Impl& index, const MatrixView& queries, const char* name, std::size_t k,
          std::size_t lists, const char* owners, const SearchOptions& options, Engine&& engine) {
  const store::ItemStore& items = *index.items;
  const int threads = api::checked_threads(options.threads);
  const Metric metric = api::checked_metric(options.metric.value_or(items.metric));
  api::check_queries(items, queries, name, threads);
  const search::FilterRequest filters = api::checked_filters(index, options.filters, lists, owners);
  search::Request request = {queries, k, metric, threads, options.stats};
  if (!options.filters.empty()) request.filters = &filters;
  request.keys = api::checked_score_kind(options.score_kind) == ScoreKind::keys;
  return engine(items, kernels::active_table(), request);
}

auto no_memory_for(const MatrixView& queries, const char* name) {
  return [&queries, name] {
    return "no memory for the search of " + std::to_string(queries.rows) + " " + name +
           "; use fewer at once";
  };
}

std::size_t checked_users(const MatrixView& interests, std::size_t per_user) {
  if (per_user == 0 || interests.rows % per_user != 0) {
    throw Error(ErrorCode::invalid_argument,
                "interests: " + std::to_string(interests.rows) +
                    " rows are not users times per_user = " + std::to_string(per_user));
  }
  return interests.rows / per_user;
}

std::vector<double> checked_thresholds(std::span<const double> thresholds, std::size_t queries) {
  if (thresholds.size() != 1 && thresholds.size() != queries) {
    throw Error(ErrorCode::invalid_argument,
                "thresholds: has " + std::to_string(thresholds.size()) + " values, but there are " +
                    std::to_string(queries) + " queries; give each one, or one for all");
  }
  for (std::size_t q = 0; q < thresholds.size(); ++q) {
    if (std::isnan(thresholds[q])) {
      throw Error(ErrorCode::invalid_data, "thresholds: element " + std::to_string(q) + " is NaN");
    }
  }
  if (thresholds.size() == queries) return {thresholds.begin(), thresholds.end()};
  return std::vector<double>(queries, thresholds[0]);
}

}  // namespace

SearchResult Index::search(const MatrixView& queries, std::size_t k,
                           const SearchOptions& options) const {
  return base::entry(no_memory_for(queries, "queries"), [&] {
    store::check_shape(queries, "queries");  // before memory is taken for what they claim to be
    SearchResult result = room_for(queries.rows, k);
    search(queries, k, view_of(result), options);
    return result;
  });
}

void Index::search(const MatrixView& queries, std::size_t k, const ResultView& out,
                   const SearchOptions& options) const {
  base::entry(options.stop, no_memory_for(queries, "queries"), [&] {
    check_results(out, queries.rows, k);
    call(impl(), queries, "queries", k, queries.rows, "queries", options,
         [&](const auto& items, const auto& kernels, const auto& request) {
           search::search(items, kernels, request, out);
         });
  });
}

SearchResult Index::search_multi(const MatrixView& interests, std::size_t per_user, std::size_t k,
                                 const SearchOptions& options) const {
  return base::entry(no_memory_for(interests, "interests"), [&] {
    store::check_shape(interests, "interests");
    SearchResult result = room_for(checked_users(interests, per_user), k);
    search_multi(interests, per_user, k, view_of(result), options);
    return result;
  });
}

void Index::search_multi(const MatrixView& interests, std::size_t per_user, std::size_t k,
                         const ResultView& out, const SearchOptions& options) const {
  base::entry(options.stop, no_memory_for(interests, "interests"), [&] {
    const std::size_t users = checked_users(interests, per_user);
    check_results(out, users, k);
    call(impl(), interests, "interests", k, users, "users", options,
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
    return call(impl(), queries, "queries", 0, queries.rows, "queries", options,
                [&](const auto& items, const auto& kernels, const auto& request) {
                  return search::range(items, kernels, request, limits);
                });
  });
}

}  // namespace maxdot
