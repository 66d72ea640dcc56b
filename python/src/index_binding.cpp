// maxdot._core.Index: the C++ index with NumPy in and out. The documented class is maxdot/index.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "named_argument.hpp"
#include "results.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

using IdsArray = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

Index build(nb::handle items, const std::optional<IdsArray>& ids, const MetricText& metric,
            Named<"normalize", bool> normalize, Threads threads, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(items, "items", false);
  BuildOptions options = {.metric = metric_argument(metric),
                          .normalize = normalize,
                          .ids = {},
                          .threads = threads,
                          .stop = stop_of_python(timeout)};
  if (ids) {
    if (ids->shape(0) != rows.view.rows) {
      throw nb::value_error(("ids: " + std::to_string(ids->shape(0)) + " ids for " +
                             std::to_string(rows.view.rows) + " items; give one id per row")
                                .c_str());
    }
    options.ids = {ids->data(), ids->shape(0)};
  }
  const WithoutGil released;
  return Index::build(rows.view, options);
}

RowPlace row_place_argument(const std::string& rows) {
  if (rows == "memory") return RowPlace::memory;
  if (rows == "disk") return RowPlace::disk;
  throw nb::value_error(("rows: '" + rows + "' is neither 'memory' nor 'disk'").c_str());
}

Load load_argument(const std::string& load) {
  if (load == "map") return Load::map;
  if (load == "memory") return Load::memory;
  if (load == "locked") return Load::locked;
  throw nb::value_error(("load: '" + load + "' is none of 'map', 'memory', 'locked'").c_str());
}

void check_range(const Index& index, std::size_t begin, std::size_t count, const char* name) {
  if (begin <= index.size() && count <= index.size() - begin) return;
  throw nb::value_error((std::string(name) + ": " + std::to_string(begin) + " to " +
                         std::to_string(begin + count) + " do not lie within the " +
                         std::to_string(index.size()) + " items")
                            .c_str());
}

nb::ndarray<nb::numpy, float> rows_of(const Index& index, std::size_t begin, std::size_t count) {
  const std::size_t d = index.dimension();
  check_range(index, begin, count, "rows");
  std::unique_ptr<float[]> rows(new float[count * d]);
  for (std::size_t r = 0; r < count; ++r) index.item_row(begin + r, rows.get() + r * d);
  return to_numpy(std::move(rows), {count, d});
}

nb::ndarray<nb::numpy, float> rows_at(const Index& index, const IdsArray& ids) {
  const std::size_t count = ids.shape(0);
  const std::size_t d = index.dimension();
  std::unique_ptr<float[]> rows;
  {
    const WithoutGil released;
    rows.reset(new float[count * d]);
    index.item_rows({ids.data(), count}, rows.get());
  }
  return to_numpy(std::move(rows), {count, d});
}

nb::ndarray<nb::numpy, std::int64_t> ids_of(const Index& index, std::size_t begin,
                                            std::size_t count) {
  check_range(index, begin, count, "ids");
  std::unique_ptr<std::int64_t[]> ids(new std::int64_t[count]);
  for (std::size_t r = 0; r < count; ++r) ids[r] = index.item_id(begin + r);
  return to_numpy(std::move(ids), {count});
}

}  // namespace

void bind_index(nb::module_& module) {
  using namespace nb::literals;
  nb::class_<Index> bound(module, "Index");
  bound
      .def_static("build", &build, "items"_a.none(), "ids"_a.none(), "metric"_a.none(),
                  "normalize"_a.none(), "threads"_a.none(), "timeout"_a.none())
      .def_static(
          "open",
          [](const nb::bytes& path, const Named<"rows", std::string>& rows,
             const Named<"load", std::string>& load, Named<"verify_payload", bool> verify_payload,
             Named<"verify_codes", bool> verify_codes, nb::handle timeout) {
            const std::string name = path_of(path);
            const OpenOptions options = {.rows = row_place_argument(rows),
                                         .load = load_argument(load),
                                         .verify_payload = verify_payload,
                                         .verify_codes = verify_codes,
                                         .stop = stop_of_python(timeout)};
            const WithoutGil released;
            return Index::open(name, options);
          },
          "path"_a, "rows"_a.none(), "load"_a.none(), "verify_payload"_a.none(),
          "verify_codes"_a.none(), "timeout"_a.none())
      .def(
          "save",
          [](const Index& index, const nb::bytes& path) {
            const std::string name = path_of(path);
            const WithoutGil released;
            return index.save(name);
          },
          "path"_a)
      .def("rows", &rows_of, "begin"_a, "count"_a)
      .def("rows_at", &rows_at, "ids"_a)
      .def("ids", &ids_of, "begin"_a, "count"_a)
      .def_prop_ro("has_ids", [](const Index& index) { return index.info().has_ids; })
      .def_prop_ro("checksum", [](const Index& index) { return index.info().checksum; })
      .def_prop_ro("bytes", [](const Index& index) { return index.info().bytes; });
  bind_searchable(bound);
}

}  // namespace maxdot::python
