// Evaluation over the full catalogue: retrieval and its metrics, and the rank of each relevant
// item.

#include <algorithm>
#include <cmath>
#include <string>

#include "api/id_lists.hpp"
#include "api/index_parts.hpp"
#include "api/item_rows.hpp"
#include "base/entry.hpp"
#include "base/f16.hpp"
#include "base/stop.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "maxdot/evaluate.hpp"
#include "measure/ranks.hpp"
#include "search/collect/top_k.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace evaluate {
namespace {

auto no_memory_for(const IdLists& relevant) {
  return [&relevant] {
    return "no memory to evaluate " + std::to_string(relevant.size()) + " users with " +
           std::to_string(relevant.ids.size()) + " relevant items; evaluate fewer users at once";
  };
}

void check_lists(const MatrixView& users, const IdLists& relevant, const IdLists& exclude) {
  api::check_lists(relevant, "relevant", users.rows);
  if (!exclude.absent()) api::check_lists(exclude, "exclude", users.rows);
}

// Between two looks whether the call shall end.
constexpr std::size_t kScoresPerLook = 1024;

// Excluded items are as good as absent: they neither have a rank nor push others down. Their number
// is small beside the catalogue's, so each is scored by the specification.
void leave_out(const api::IndexParts& index, base::Ranking ranking, const MatrixView& users,
               const IdLists& relevant, const std::vector<std::size_t>& relevant_rows,
               const IdLists& exclude, std::vector<std::int64_t>& ranks) {
  const store::ItemStore& items = *index.items;
  const kernels::KernelTable& kernels = kernels::active_table();
  const auto dot64 = kernels.dot64[static_cast<std::size_t>(items.dtype)];
  const std::vector<std::size_t> excluded_rows = api::find_rows(index, exclude.ids);
  std::vector<float> query(users.cols);
  std::vector<std::size_t> excluded;
  std::vector<search::Entry> better;  // in the order of results
  std::size_t scored = 0;
  for (std::size_t user = 0; user < users.rows; ++user) {
    base::throw_if_stopped();
    const auto begin = excluded_rows.begin() + exclude.offsets[user];
    excluded.assign(begin, excluded_rows.begin() + exclude.offsets[user + 1]);
    std::sort(excluded.begin(), excluded.end());
    excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
    if (!excluded.empty() && excluded.back() == api::kUnknownRow) excluded.pop_back();
    if (excluded.empty()) continue;
    base::to_f32(users.row(user), users.dtype, users.cols, query.data());
    const double square = kernels.dot64[0](query.data(), query.data(), users.cols);
    const auto entry_of = [&](std::size_t row) {
      if (++scored % kScoresPerLook == 0) base::throw_if_stopped();
      const double dot = dot64(query.data(), items.row(row), items.dimension);
      return search::Entry{base::ranking_key(ranking, dot, square, items.squares[row]),
                           items.id(row)};
    };
    better.clear();
    for (const std::size_t row : excluded) {
      const search::Entry entry = entry_of(row);
      // NaN, which only a forged file leads to, is better than nothing.
      if (!std::isnan(entry.key)) better.push_back(entry);
    }
    std::sort(better.begin(), better.end(), search::Better());
    for (std::int64_t p = relevant.offsets[user]; p < relevant.offsets[user + 1]; ++p) {
      const auto place = static_cast<std::size_t>(p);
      const std::size_t row = relevant_rows[place];
      if (row == api::kUnknownRow) continue;
      if (std::binary_search(excluded.begin(), excluded.end(), row)) {
        ranks[place] = 0;
        continue;
      }
      const search::Entry own = entry_of(row);
      if (std::isnan(own.key)) continue;
      ranks[place] -=
          std::lower_bound(better.begin(), better.end(), own, search::Better()) - better.begin();
    }
  }
}

}  // namespace

Report retrieval(const Index& index, const MatrixView& users, const IdLists& relevant,
                 std::span<const std::size_t> ks, const IdLists& exclude,
                 const RetrievalOptions& options) {
  return base::entry(options.stop, no_memory_for(relevant), [&] {
    check_lists(users, relevant, exclude);
    // Here, because a search would call them queries.
    api::check_queries(api::IndexParts::items_of(index), users, "users",
                       api::checked_threads(options.threads));
    if (ks.empty()) throw Error(ErrorCode::invalid_argument, "ks: is empty; name at least one k");
    const std::size_t k = std::max<std::size_t>(1, *std::max_element(ks.begin(), ks.end()));
    const SearchResult found = index.search(
        users, k,
        {.threads = options.threads, .metric = options.metric, .filters = {.exclude = exclude}});
    Options measured = options;
    measured.stop = {};  // this call's holds
    measured.catalogue = index.size();
    return metrics(relevant, {found.ids, k}, ks, measured);
  });
}

std::vector<std::int64_t> ranks(const Index& index, const MatrixView& users,
                                const IdLists& relevant, const IdLists& exclude,
                                const RankOptions& options) {
  return base::entry(options.stop, no_memory_for(relevant), [&] {
    const store::ItemStore& items = api::IndexParts::items_of(index);
    api::require_rows_in_memory(items, "evaluate::ranks");
    const int threads = api::checked_threads(options.threads);
    const Metric metric = api::checked_metric(options.metric.value_or(items.metric));
    check_lists(users, relevant, exclude);
    api::check_queries(items, users, "users", threads);
    const base::Ranking ranking = base::ranking_of(metric, items.normalized);
    const std::vector<std::size_t> rows = api::find_rows(api::IndexParts::of(index), relevant.ids);
    std::vector<std::int64_t> ranks(rows.size());
    measure::count_better(items, kernels::active_table(), ranking, users, relevant.offsets, rows,
                          threads, ranks.data());
    base::throw_if_stopped();
    for (std::size_t p = 0; p < rows.size(); ++p)
      ranks[p] = rows[p] == api::kUnknownRow ? 0 : ranks[p] + 1;
    if (exclude.size() != 0)
      leave_out(api::IndexParts::of(index), ranking, users, relevant, rows, exclude, ranks);
    return ranks;
  });
}

}  // namespace evaluate
}  // namespace v0_1
}  // namespace maxdot
