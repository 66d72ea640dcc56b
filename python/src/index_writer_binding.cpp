// maxdot._core.IndexWriter and build_file: the C++ ones with NumPy in. The documented ones are in
// maxdot/index_writer.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "maxdot/index_writer.hpp"
#include "named_argument.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

using IdsArray = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::span<const std::int64_t> ids_of(const std::optional<IdsArray>& ids) {
  if (!ids) return {};
  return {ids->data(), ids->shape(0)};
}

void append(IndexWriter& writer, nb::handle items, const std::optional<IdsArray>& ids,
            nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(items, "items", false);
  const StopOptions stop = stop_of_python(timeout);
  const WithoutGil released;
  writer.append(rows.view, ids_of(ids), stop);
}

std::uint64_t build(const nb::bytes& items, const nb::bytes& path,
                    const std::optional<IdsArray>& ids, const MetricText& metric,
                    Named<"normalize", bool> normalize, Threads threads, nb::handle timeout) {
  const std::string from = path_of(items);
  const std::string to = path_of(path);
  const BuildOptions options = {.metric = metric_argument(metric),
                                .normalize = normalize,
                                .ids = ids_of(ids),
                                .threads = threads,
                                .stop = stop_of_python(timeout)};
  const WithoutGil released;
  return build_file(MatrixFile::open(from), to, options);
}

}  // namespace

void bind_index_writer(nb::module_& module) {
  using namespace nb::literals;
  nb::class_<IndexWriter>(module, "IndexWriter")
      .def_static(
          "create",
          [](const nb::bytes& path, std::size_t rows, std::size_t dimension,
             const Named<"dtype", std::string>& dtype, bool with_ids, const MetricText& metric,
             Named<"normalize", bool> normalize) {
            const std::string name = path_of(path);
            const DType type = dtype_argument(dtype);
            const IndexWriterOptions options = {
                .metric = metric_argument(metric), .normalize = normalize, .with_ids = with_ids};
            const WithoutGil released;
            return IndexWriter(name, rows, dimension, type, options);
          },
          "path"_a, "rows"_a, "dimension"_a, "dtype"_a.none(), "with_ids"_a, "metric"_a.none(),
          "normalize"_a.none())
      .def("append", &append, "items"_a, "ids"_a.none(), "timeout"_a.none())
      .def("commit", [](IndexWriter& writer) {
        const WithoutGil released;
        return writer.commit();
      });
  module.def("build_file", &build, "items"_a, "path"_a, "ids"_a.none(), "metric"_a.none(),
             "normalize"_a.none(), "threads"_a.none(), "timeout"_a.none());
}

}  // namespace maxdot::python
