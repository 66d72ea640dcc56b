// maxdot.merge and maxdot.merge_ranges: shards' results in NumPy arrays, joined.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "maxdot/merge.hpp"
#include "named_argument.hpp"
#include "results.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

template <class T>
using Matrix2 = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T, class Array>
std::vector<T> copied(const Array& array) {
  return {array.data(), array.data() + array.size()};
}

/// (ids, keys) of one shard. Results end where ids are negative.
SearchResult shard_of(const std::tuple<Matrix2<std::int64_t>, Matrix2<double>>& arrays) {
  const auto& [ids, keys] = arrays;
  SearchResult shard{
      ids.shape(0), ids.shape(1), copied<std::int64_t>(ids), copied<double>(keys), {}};
  for (std::size_t q = 0; q < shard.queries; ++q) {
    const std::int64_t* begin = shard.ids.data() + q * shard.k;
    shard.counts.push_back(
        std::find_if(begin, begin + shard.k, [](std::int64_t id) { return id < 0; }) - begin);
  }
  return shard;
}

nb::tuple merge_results(
    const std::vector<std::tuple<Matrix2<std::int64_t>, Matrix2<double>>>& shards, K k,
    const MetricText& metric, Named<"normalized", bool> normalized, const ScoresText& scores,
    Threads threads, nb::handle timeout) {
  const std::size_t width = k_argument(k);
  const ScoreType type = score_type_argument(scores);
  const MergeOptions options = {metric_argument(metric), normalized, kind_of(type), threads,
                                stop_of_python(timeout)};
  std::vector<SearchResult> results;
  for (const auto& shard : shards) results.push_back(shard_of(shard));
  SearchResult merged;
  {
    const WithoutGil released;
    merged = merge(results, width, options);
  }
  const std::size_t shape[] = {merged.queries, merged.k};
  std::unique_ptr<std::int64_t[]> ids(new std::int64_t[merged.ids.size()]);
  std::copy(merged.ids.begin(), merged.ids.end(), ids.get());
  std::unique_ptr<double[]> values(new double[merged.scores.size()]);
  std::copy(merged.scores.begin(), merged.scores.end(), values.get());
  return nb::make_tuple(to_numpy(std::move(ids), shape),
                        scores_to_numpy(std::move(values), shape, type));
}

using RangeArrays = std::tuple<Vector<std::int64_t>, Vector<std::int64_t>, Vector<double>>;

nb::tuple merge_ranges(const std::vector<RangeArrays>& shards, const MetricText& metric,
                       Named<"normalized", bool> normalized, const ScoresText& scores,
                       Threads threads, nb::handle timeout) {
  const ScoreType type = score_type_argument(scores);
  const MergeOptions options = {metric_argument(metric), normalized, kind_of(type), threads,
                                stop_of_python(timeout)};
  std::vector<RangeResult> results;
  for (const auto& [offsets, ids, keys] : shards) {
    results.push_back(
        {copied<std::int64_t>(offsets), copied<std::int64_t>(ids), copied<double>(keys)});
  }
  RangeResult merged;
  {
    const WithoutGil released;
    merged = merge(results, options);
  }
  return nb::make_tuple(vector_to_numpy(merged.offsets), vector_to_numpy(merged.ids),
                        scores_to_numpy(merged.scores, type));
}

}  // namespace

void bind_merge(nb::module_& module) {
  using namespace nb::literals;
  module.def("merge", &merge_results, "shards"_a, "k"_a.none(), "metric"_a.none(),
             "normalized"_a.none(), "scores"_a.none(), "threads"_a.none(), "timeout"_a.none());
  module.def("merge_ranges", &merge_ranges, "shards"_a, "metric"_a.none(), "normalized"_a.none(),
             "scores"_a.none(), "threads"_a.none(), "timeout"_a.none());
}

}  // namespace maxdot::python
