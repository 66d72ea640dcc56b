// maxdot._core.Index: the C++ index with NumPy in and out. The documented class is maxdot/index.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "results.hpp"

namespace maxdot::python {
namespace {

using IdsArray = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

Index build(nb::handle items, const std::optional<IdsArray>& ids, const std::string& metric, bool normalize,
            int threads) {
  const MatrixArgument rows = matrix_argument(items, "items", false);
  BuildOptions options = {
      .metric = metric_argument(metric), .normalize = normalize, .ids = {}, .threads = threads};
  if (ids) {
    if (ids->shape(0) != rows.view.rows) {
      throw nb::value_error(("ids: " + std::to_string(ids->shape(0)) + " ids for " +
                             std::to_string(rows.view.rows) + " items; give one id per row")
                                .c_str());
    }
    options.ids = {ids->data(), ids->shape(0)};
  }
  const nb::gil_scoped_release released;
  return Index::build(rows.view, options);
}

/// What one call did, as the dictionary that `search(..., stats=True)` returns.
nb::dict stats_of(double seconds, int threads, std::unique_ptr<std::int64_t[]> counts, const SearchStats& done) {
  nb::dict stats;
  stats["seconds"] = seconds;
  stats["threads"] = threads > 0 ? threads : available_threads();
  stats["kernel"] = kernel_name();
  stats["counts"] = to_numpy(std::move(counts), {static_cast<std::size_t>(done.queries)});
  stats["queries_by_f32"] = done.queries_by_f32;
  stats["queries_repeated"] = done.queries_repeated;
  stats["tiles_4bit"] = done.tiles_4bit;
  stats["tiles_8bit"] = done.tiles_8bit;
  stats["tiles_f32"] = done.tiles_f32;
  stats["candidates"] = done.candidates;
  stats["rescored"] = done.rescored;
  stats["bytes_read"] = done.bytes_read;
  return stats;
}

/// Scores leave the engine as f64; `Score` is what Python sees.
template <class Score>
std::unique_ptr<Score[]> scores_as(std::unique_ptr<double[]> scores, std::size_t cells) {
  if constexpr (std::is_same_v<Score, double>) {
    return scores;
  } else {
    std::unique_ptr<Score[]> out(new Score[cells]);
    for (std::size_t i = 0; i < cells; ++i) out[i] = static_cast<Score>(scores[i]);
    return out;
  }
}

/// No machine holds more results; below it, sizes in bytes cannot overflow.
constexpr std::size_t kMaxCells = std::size_t{1} << 47;

[[noreturn]] void refuse_size(std::size_t queries, std::size_t k) {
  throw Error(ErrorCode::out_of_memory, "results of " + std::to_string(queries) +
                                            " queries with k = " + std::to_string(k) +
                                            " do not fit in memory; use a smaller k or fewer queries");
}

template <class Score>
nb::tuple search(const Index& index, nb::handle queries, std::int64_t k, int threads,
                 const std::optional<std::string>& metric, bool stats) {
  const MatrixArgument rows = matrix_argument(queries, "queries", true);
  const std::size_t width = k_argument(k);
  const std::size_t count = rows.view.rows;
  SearchStats done;
  SearchOptions options = {.threads = threads, .metric = std::nullopt, .stats = stats ? &done : nullptr};
  if (metric) options.metric = metric_argument(*metric);

  std::unique_ptr<std::int64_t[]> ids;
  std::unique_ptr<std::int64_t[]> counts;
  std::unique_ptr<Score[]> scores;
  double seconds = 0;
  {
    const nb::gil_scoped_release released;
    const std::size_t cells = count * width;
    std::unique_ptr<double[]> exact;
    if (width < kMaxCells && (width == 0 || count < kMaxCells / width)) {
      ids.reset(new (std::nothrow) std::int64_t[cells]);
      counts.reset(stats ? new (std::nothrow) std::int64_t[count] : nullptr);
      exact.reset(new (std::nothrow) double[cells]);
    }
    if (!ids || !exact || (stats && !counts)) refuse_size(count, width);
    const auto start = std::chrono::steady_clock::now();
    index.search(rows.view, width, {ids.get(), exact.get(), counts.get()}, options);
    if (stats) seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    scores = scores_as<Score>(std::move(exact), cells);
  }
  const auto shaped = [&](auto values) {
    return rows.one_dimensional ? to_numpy(std::move(values), {width})
                                : to_numpy(std::move(values), {count, width});
  };
  if (!stats) return nb::make_tuple(shaped(std::move(ids)), shaped(std::move(scores)));
  return nb::make_tuple(shaped(std::move(ids)), shaped(std::move(scores)),
                        stats_of(seconds, threads, std::move(counts), done));
}

nb::ndarray<nb::numpy, float> rows_of(const Index& index, std::size_t begin, std::size_t count) {
  const std::size_t d = index.dimension();
  if (begin > index.size() || count > index.size() - begin) {
    throw nb::value_error(("rows: " + std::to_string(begin) + " to " + std::to_string(begin + count) +
                           " do not lie within the " + std::to_string(index.size()) + " items")
                              .c_str());
  }
  std::unique_ptr<float[]> rows(new float[count * d]);
  for (std::size_t r = 0; r < count; ++r) index.item_row(begin + r, rows.get() + r * d);
  return to_numpy(std::move(rows), {count, d});
}

}  // namespace

void bind_index(nb::module_& module) {
  using namespace nb::literals;
  nb::class_<Index>(module, "Index")
      .def_static("build", &build, "items"_a.none(), "ids"_a.none(), "metric"_a, "normalize"_a, "threads"_a)
      .def_static(
          "open",
          [](const std::string& path, bool verify_payload) {
            const nb::gil_scoped_release released;
            return Index::open(path, {.verify_payload = verify_payload});
          },
          "path"_a, "verify_payload"_a)
      .def(
          "save", [](const Index& index, const std::string& path) { index.save(path); }, "path"_a,
          nb::call_guard<nb::gil_scoped_release>())
      .def("search", &search<float>, "queries"_a.none(), "k"_a, "threads"_a, "metric"_a.none(), "stats"_a)
      .def("search_f64", &search<double>, "queries"_a.none(), "k"_a, "threads"_a, "metric"_a.none(), "stats"_a)
      .def("rows", &rows_of, "begin"_a, "count"_a)
      .def_prop_ro("size", &Index::size)
      .def_prop_ro("dimension", &Index::dimension)
      .def_prop_ro("metric", [](const Index& index) { return to_string(index.info().metric); })
      .def_prop_ro("dtype", [](const Index& index) { return to_string(index.info().dtype); })
      .def_prop_ro("normalized", [](const Index& index) { return index.info().normalized; })
      .def_prop_ro("has_ids", [](const Index& index) { return index.info().has_ids; })
      .def_prop_ro("bytes", [](const Index& index) { return index.info().bytes; });
}

}  // namespace maxdot::python
