// What Index, LiveIndex and Snapshot of maxdot._core have in common: the searches, with NumPy in
// and out, and what their items are. The documented methods are in maxdot/searchable.py.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "filter_arguments.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/machine.hpp"
#include "named_argument.hpp"
#include "python_live_index.hpp"
#include "results.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

/// What every search is asked with, beside its vectors.
struct Asked {
  int threads;
  std::optional<std::string> metric;
  ScoreType scores;
  FilterArguments filters;
  nb::handle timeout;

  SearchOptions options(SearchStats* stats) const {
    SearchOptions options = {.threads = threads, .stats = stats};
    options.stop = stop_of_python(timeout);
    if (metric) options.metric = metric_argument(*metric);
    options.score_kind = kind_of(scores);
    options.filters = filters.views();
    return options;
  }
};

/// What one call did, as the dictionary that `search(..., stats=True)` returns.
nb::dict stats_of(double seconds, int threads, std::unique_ptr<std::int64_t[]> counts,
                  std::size_t rows, const SearchStats& done) {
  nb::dict stats;
  stats["seconds"] = seconds;
  stats["threads"] = threads > 0 ? threads : available_threads();
  stats["kernel"] = kernel_name();
  stats["counts"] = to_numpy(std::move(counts), {rows});
  for (const SearchStatsField& field : search_stats_fields) stats[field.name] = done.*field.value;
  return stats;
}

/// Calls run(out, options) without the GIL and returns (ids, scores) of shape [rows, width], or
/// [width] for one row that was given without its dimension; and what was done, if asked.
template <class Run>
nb::tuple results_of(std::size_t rows, std::size_t width, bool flat, const Asked& asked, bool stats,
                     Run&& run) {
  SearchStats done;
  const SearchOptions options = asked.options(stats ? &done : nullptr);
  ResultArrays results;
  std::unique_ptr<std::int64_t[]> counts;
  double seconds = 0;
  {
    const WithoutGil released;
    results = ResultArrays(rows, width);
    if (stats) counts.reset(new std::int64_t[rows]);
    const auto start = std::chrono::steady_clock::now();
    run(ResultView{results.ids.get(), results.scores.get(), counts.get()}, options);
    if (stats)
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  auto [ids, scores] = std::move(results).to_numpy(flat, asked.scores);
  if (!stats) return nb::make_tuple(ids, scores);
  return nb::make_tuple(ids, scores,
                        stats_of(seconds, asked.threads, std::move(counts), rows, done));
}

template <class Searched>
nb::tuple search(const Searched& asked_of, nb::handle queries, K k, Threads threads,
                 const MetricOrNone& metric, Named<"stats", bool> stats, const ScoresText& scores,
                 Lists exclude, Lists allow, Mask item_mask, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(queries, "queries", true);
  const std::size_t width = k_argument(k);
  const Asked asked = {threads,
                       metric,
                       score_type_argument(scores),
                       {std::move(exclude), std::move(allow), std::move(item_mask)},
                       timeout};
  return results_of(rows.view.rows, width, rows.one_dimensional, asked, stats,
                    [&](const ResultView& out, const SearchOptions& options) {
                      asked_of.search_into(rows.view, width, out, options);
                    });
}

template <class Searched>
nb::tuple search_multi(const Searched& asked_of, nb::handle interests, std::size_t per_user,
                       bool one_user, K k, Threads threads, const MetricOrNone& metric,
                       Named<"stats", bool> stats, const ScoresText& scores, Lists exclude,
                       Lists allow, Mask item_mask, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(interests, "users", false);
  const std::size_t width = k_argument(k);
  const std::size_t users = per_user == 0 ? 0 : rows.view.rows / per_user;
  const Asked asked = {threads,
                       metric,
                       score_type_argument(scores),
                       {std::move(exclude), std::move(allow), std::move(item_mask)},
                       timeout};
  return results_of(users, width, one_user, asked, stats,
                    [&](const ResultView& out, const SearchOptions& options) {
                      asked_of.search_multi_into(rows.view, per_user, width, out, options);
                    });
}

/// (offsets, ids, scores), and what was done, if asked.
template <class Searched>
nb::tuple search_range(const Searched& asked_of, nb::handle queries,
                       const Vector<double>& thresholds, Threads threads,
                       const MetricOrNone& metric, Named<"stats", bool> stats,
                       const ScoresText& scores, Lists exclude, Lists allow, Mask item_mask,
                       nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(queries, "queries", true);
  const Asked asked = {threads,
                       metric,
                       score_type_argument(scores),
                       {std::move(exclude), std::move(allow), std::move(item_mask)},
                       timeout};
  SearchStats done;
  const SearchOptions options = asked.options(stats ? &done : nullptr);
  RangeResult found;
  double seconds = 0;
  {
    const WithoutGil released;
    const auto start = std::chrono::steady_clock::now();
    found = asked_of.search_range(rows.view, span_of(thresholds), options);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  const nb::object offsets = vector_to_numpy(found.offsets);
  const nb::object ids = vector_to_numpy(found.ids);
  const nb::object values = scores_to_numpy(found.scores, asked.scores);
  if (!stats) return nb::make_tuple(offsets, ids, values);
  std::unique_ptr<std::int64_t[]> counts(new std::int64_t[rows.view.rows]);
  for (std::size_t q = 0; q < rows.view.rows; ++q)
    counts[q] = found.offsets[q + 1] - found.offsets[q];
  return nb::make_tuple(offsets, ids, values,
                        stats_of(seconds, threads, std::move(counts), rows.view.rows, done));
}

}  // namespace

template <class Searched>
void bind_searchable(nb::class_<Searched>& bound) {
  using namespace nb::literals;
  const auto with_filters = [&](const char* name, auto function, auto... arguments) {
    bound.def(name, function, arguments..., "threads"_a.none(), "metric"_a.none(), "stats"_a.none(),
              "scores"_a.none() = "f32", "exclude"_a.none() = nb::none(),
              "allow"_a.none() = nb::none(), "item_mask"_a.none() = nb::none(),
              "timeout"_a.none() = nb::none());
  };
  with_filters("search", &search<Searched>, "queries"_a.none(), "k"_a.none());
  with_filters("search_multi", &search_multi<Searched>, "interests"_a.none(), "per_user"_a,
               "one_user"_a, "k"_a.none());
  with_filters("search_range", &search_range<Searched>, "queries"_a.none(), "thresholds"_a);
  bound.def_prop_ro("size", [](const Searched& known) { return known.info().items; })
      .def_prop_ro("dimension", [](const Searched& known) { return known.info().dimension; })
      .def_prop_ro("metric", [](const Searched& known) { return to_string(known.info().metric); })
      .def_prop_ro("dtype", [](const Searched& known) { return to_string(known.info().dtype); })
      .def_prop_ro("normalized", [](const Searched& known) { return known.info().normalized; });
}

template void bind_searchable(nb::class_<Index>& bound);
template void bind_searchable(nb::class_<PythonLiveIndex>& bound);
template void bind_searchable(nb::class_<Snapshot>& bound);

}  // namespace maxdot::python
