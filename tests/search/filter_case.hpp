// A search with filters, and what brute force with the same rules returns.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "id_lists.hpp"
#include "kernels/kernels.hpp"
#include "search/search.hpp"
#include "store/encode.hpp"
#include "store/id_map.hpp"
#include "support.hpp"

namespace maxdot::test {

inline constexpr Metric kMetrics[] = {Metric::dot, Metric::cosine, Metric::euclidean};
inline constexpr search::Method kMethods[] = {search::Method::f32,  search::Method::coarse,
                                              search::Method::five, search::Method::six,
                                              search::Method::fine, search::Method::listed};

inline double worst(Metric metric) {
  const double infinity = std::numeric_limits<double>::infinity();
  return metric == Metric::euclidean ? infinity : -infinity;
}

/// Ids that are neither rows nor in their order.
inline std::vector<std::int64_t> scattered_ids(std::size_t n) {
  std::vector<std::int64_t> ids(n);
  for (std::size_t i = 0; i < n; ++i)
    ids[i] = static_cast<std::int64_t>((i * 7919 + 13) % n) * 1000 + 5;
  return ids;
}

struct FilterCase {
  Rows items;
  std::vector<std::int64_t> ids;  // empty: rows
  Rows queries;
  OwnedIdLists exclude = {};
  OwnedIdLists allow = {};
  std::vector<std::uint8_t> mask = {};

  Filters filters() const { return {exclude, allow, mask}; }
  std::int64_t id(std::size_t row) const {
    return ids.empty() ? static_cast<std::int64_t>(row) : ids[row];
  }

  bool permits(std::size_t query, std::int64_t item, std::size_t row) const {
    const auto has = [&](const IdLists& lists) {
      const auto list = lists.of(query);
      return std::find(list.begin(), list.end(), item) != list.end();
    };
    if (!mask.empty() && mask[row] == 0) return false;
    if (!exclude.offsets.empty() && has(exclude)) return false;
    return allow.offsets.empty() || has(allow);
  }

  /// Everything in order, then what is not permitted dropped.
  SearchResult expected(std::size_t k, Metric metric, bool normalized) const {
    const std::size_t n = items.rows;
    const SearchResult all = reference::top_k(items.view(), queries.view(), n, metric, normalized,
                                              ids.empty() ? nullptr : ids.data(), 2);
    std::vector<std::pair<std::int64_t, std::size_t>> rows;
    for (std::size_t row = 0; row < n; ++row) rows.emplace_back(id(row), row);
    std::sort(rows.begin(), rows.end());
    SearchResult result{queries.rows, k, std::vector<std::int64_t>(queries.rows * k, -1),
                        std::vector<double>(queries.rows * k, worst(metric)),
                        std::vector<std::int64_t>(queries.rows)};
    for (std::size_t q = 0; q < queries.rows; ++q) {
      std::size_t kept = 0;
      for (std::size_t i = q * n; i < (q + 1) * n && kept < k; ++i) {
        const std::size_t row =
            std::lower_bound(rows.begin(), rows.end(), std::pair(all.ids[i], std::size_t{0}))
                ->second;
        if (!permits(q, all.ids[i], row)) continue;
        result.ids[q * k + kept] = all.ids[i];
        result.scores[q * k + kept++] = all.scores[i];
      }
      result.counts[q] = static_cast<std::int64_t>(kept);
    }
    return result;
  }

  std::shared_ptr<const store::ItemStore> encode(bool normalized) const {
    Matrix rows(items.rows, items.cols, DType::f32);
    std::copy(items.values.begin(), items.values.end(), static_cast<float*>(rows.data()));
    return store::encode(std::move(rows), {Metric::dot, normalized, ids, 2},
                         kernels::active_table());
  }

  void check(std::size_t k, Metric metric, bool normalized, const std::vector<int>& threads) const {
    const auto store = encode(normalized);
    const store::IdMap map(store->ids, store->ids == nullptr ? 0 : store->items);
    const Filters given = filters();
    const search::FilterRequest filter = {given, store->ids == nullptr ? nullptr : &map};
    const SearchResult right = expected(k, metric, normalized);
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
      CAPTURE(table->name);
      for (const int t : threads) {
        CAPTURE(t);
        std::vector<std::optional<search::Method>> methods(std::begin(kMethods),
                                                           std::end(kMethods));
        methods.emplace_back(std::nullopt);
        for (const auto method : methods) {
          CAPTURE(method.has_value() ? static_cast<int>(*method) : -1);
          SearchResult got = right;
          std::fill(got.ids.begin(), got.ids.end(), -7);
          search::search(*store, *table, {queries.view(), k, metric, t, nullptr, method, &filter},
                         {got.ids.data(), got.scores.data(), got.counts.data()});
          REQUIRE(difference(got, right) == "");
        }
      }
    }
  }
};

inline OwnedIdLists random_items(const FilterCase& data, std::size_t longest, Random& random) {
  Lists lists = random_lists(data.queries.rows, longest, data.items.rows, random);
  for (auto& list : lists) {
    for (std::int64_t& item : list) item = data.id(static_cast<std::size_t>(item));
    list.push_back(-1);                                 // padding
    list.push_back(std::int64_t{1} << 50);              // unknown
    if (list.size() > 2) list.push_back(list.front());  // twice
  }
  return to_csr(lists);
}

}  // namespace maxdot::test
