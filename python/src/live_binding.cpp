// maxdot._core.LiveIndex and Snapshot: the C++ ones with NumPy in and out. The documented classes
// are in maxdot/live_index.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "filter_arguments.hpp"
#include "maxdot/live_index.hpp"
#include "named_argument.hpp"
#include "python_live_index.hpp"
#include "results.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

using Ids = Vector<std::int64_t>;
/// Version and items.
using PythonChange = std::pair<std::uint64_t, std::size_t>;

std::size_t size_argument(std::int64_t value, const char* name) {
  if (value < 0)
    throw nb::value_error(
        (std::string(name) + ": " + std::to_string(value) + " is negative").c_str());
  return static_cast<std::size_t>(value);
}

Durability durability_argument(const std::string& text) {
  if (text == "none") return Durability::none;
  if (text == "group") return Durability::group;
  if (text == "each") return Durability::each;
  throw nb::value_error(("durability: '" + text + "' is not 'none', 'group' or 'each'").c_str());
}

LiveOptions live_options(const std::string& durability, std::int64_t fresh_items,
                         bool compact_in_background, int compaction_threads,
                         std::int64_t most_merge_bytes) {
  LiveOptions options;
  options.durability = durability_argument(durability);
  options.fresh_items = size_argument(fresh_items, "fresh_items");
  options.compact_in_background = compact_in_background;
  options.compaction_threads = compaction_threads;
  options.most_merge_bytes = size_argument(most_merge_bytes, "most_merge_bytes");
  return options;
}

PythonLiveIndex create(const nb::bytes& folder, Named<"dimension", std::int64_t> dimension,
                       const MetricText& metric, Named<"normalize", bool> normalize,
                       const Named<"dtype", std::string>& dtype,
                       const Named<"durability", std::string>& durability,
                       Named<"fresh_items", std::int64_t> fresh_items,
                       Named<"compact_in_background", bool> compact_in_background,
                       Named<"compaction_threads", int> compaction_threads,
                       Named<"most_merge_bytes", std::int64_t> most_merge_bytes) {
  const std::string name = path_of(folder);
  const std::size_t columns = size_argument(dimension, "dimension");
  const CatalogueOptions catalogue = {metric_argument(metric), normalize, dtype_argument(dtype)};
  const LiveOptions options = live_options(durability, fresh_items, compact_in_background,
                                           compaction_threads, most_merge_bytes);
  const WithoutGil released;
  return PythonLiveIndex(LiveIndex::create(name, columns, catalogue, options));
}

PythonLiveIndex open(const nb::bytes& folder, const Named<"durability", std::string>& durability,
                     Named<"fresh_items", std::int64_t> fresh_items,
                     Named<"compact_in_background", bool> compact_in_background,
                     Named<"compaction_threads", int> compaction_threads,
                     Named<"most_merge_bytes", std::int64_t> most_merge_bytes) {
  const std::string name = path_of(folder);
  const LiveOptions options = live_options(durability, fresh_items, compact_in_background,
                                           compaction_threads, most_merge_bytes);
  const WithoutGil released;
  return PythonLiveIndex(LiveIndex::open(name, options));
}

PythonLiveIndex open_read_only(const nb::bytes& folder) {
  const std::string name = path_of(folder);
  const WithoutGil released;
  return PythonLiveIndex(LiveIndex::open_read_only(name));
}

/// Calls call(index) without the GIL.
template <class Call>
auto released(const PythonLiveIndex& bound, const Call& call) {
  LiveIndex& index = bound.here();
  const WithoutGil without;
  return call(index);
}

PythonChange told(const Change& change) { return {change.version, change.items}; }

PythonChange upsert(const PythonLiveIndex& bound, const Ids& ids, nb::handle rows) {
  const MatrixArgument given = matrix_argument(rows, "rows", false);
  return told(
      released(bound, [&](LiveIndex& index) { return index.upsert(span_of(ids), given.view); }));
}

PythonChange remove(const PythonLiveIndex& bound, const Ids& ids) {
  return told(released(bound, [&](LiveIndex& index) { return index.remove(span_of(ids)); }));
}

PythonChange replace(const PythonLiveIndex& bound, const Index& other) {
  return told(released(bound, [&](LiveIndex& index) { return index.replace(other); }));
}

PythonChange replace_path(const PythonLiveIndex& bound, const nb::bytes& path) {
  const std::string name = path_of(path);
  return told(released(bound, [&](LiveIndex& index) { return index.replace(name); }));
}

nb::dict stats(const PythonLiveIndex& bound) {
  const LiveStats known = released(bound, [](LiveIndex& index) { return index.stats(); });
  nb::dict stats;
  stats["version"] = known.version;
  stats["items"] = known.items;
  stats["fresh_items"] = known.fresh_items;
  stats["dead_items"] = known.dead_items;
  stats["segments"] = known.segments;
  stats["segment_bytes"] = known.segment_bytes;
  stats["log_bytes"] = known.log_bytes;
  stats["compactions"] = known.compactions;
  stats["replaces"] = known.replaces;
  // It may name a file whose name is no UTF-8.
  stats["compaction_error"] = nb::steal(PyUnicode_DecodeFSDefault(known.compaction_error.c_str()));
  return stats;
}

nb::object ids_of(const Snapshot& snapshot) {
  std::vector<std::int64_t> ids;
  {
    const WithoutGil without;
    ids = snapshot.ids();
  }
  return vector_to_numpy(ids);
}

/// The values of an item, or None.
nb::object item(const Snapshot& snapshot, std::int64_t id) {
  const std::size_t columns = snapshot.dimension();
  std::unique_ptr<float[]> values(new float[columns]);
  bool found = false;
  {
    const WithoutGil without;
    found = snapshot.item(id, values.get());
  }
  return found ? nb::cast(to_numpy(std::move(values), {columns})) : nb::none();
}

bool has(const Snapshot& snapshot, std::int64_t id) {
  const WithoutGil without;
  return snapshot.item(id, nullptr);
}

}  // namespace

void bind_live(nb::module_& module) {
  using namespace nb::literals;
  nb::class_<Snapshot> snapshot(module, "Snapshot");
  snapshot.def("ids", &ids_of)
      .def("item", &item, "id"_a)
      .def("has", &has, "id"_a)
      .def_prop_ro("version", &Snapshot::version);
  bind_searchable(snapshot);
  nb::class_<PythonLiveIndex> bound(module, "LiveIndex");
  bound
      .def_static("create", &create, "folder"_a, "dimension"_a.none(), "metric"_a.none(),
                  "normalize"_a.none(), "dtype"_a.none(), "durability"_a.none(),
                  "fresh_items"_a.none(), "compact_in_background"_a.none(),
                  "compaction_threads"_a.none(), "most_merge_bytes"_a.none())
      .def_static("open", &open, "folder"_a, "durability"_a.none(), "fresh_items"_a.none(),
                  "compact_in_background"_a.none(), "compaction_threads"_a.none(),
                  "most_merge_bytes"_a.none())
      .def_static("open_read_only", &open_read_only, "folder"_a)
      .def("upsert", &upsert, "ids"_a, "rows"_a.none())
      .def("remove", &remove, "ids"_a)
      .def("replace", &replace, "index"_a)
      .def("replace_path", &replace_path, "path"_a)
      .def("refresh",
           [](const PythonLiveIndex& live) {
             return released(live, [](LiveIndex& index) { return index.refresh(); });
           })
      .def("compact",
           [](const PythonLiveIndex& live) {
             released(live, [](LiveIndex& index) { index.compact(); });
           })
      .def("stats", &stats)
      .def("snapshot", [](const PythonLiveIndex& live) { return live.here().snapshot(); });
  bind_searchable(bound);
}

}  // namespace maxdot::python
