// maxdot._core.evaluate_*: metrics, retrieval and ranks, with NumPy in and dictionaries out. The
// documented functions are those of maxdot/evaluate.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "maxdot/evaluate.hpp"
#include "maxdot/io.hpp"
#include "named_argument.hpp"
#include "results.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

using evaluate::AtK;
using evaluate::Convention;
using evaluate::IdLists;
using evaluate::RechubMetric;
using evaluate::Report;
using evaluate::Values;

using Ids = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Ks = std::vector<std::size_t>;

std::span<const std::int64_t> span_of(const Ids& ids) { return {ids.data(), ids.size()}; }

IdLists lists_of(const Ids& offsets, const Ids& ids) { return {span_of(offsets), span_of(ids)}; }

IdLists lists_of(const std::optional<Ids>& offsets, const std::optional<Ids>& ids) {
  return offsets && ids ? lists_of(*offsets, *ids) : IdLists{};
}

Convention convention_argument(const std::string& text) {
  for (const Convention convention : {Convention::standard, Convention::rechub}) {
    if (text == to_string(convention)) return convention;
  }
  throw nb::value_error(("convention: '" + text + "' is not 'standard' or 'rechub'").c_str());
}

RechubMetric rechub_metric(const std::string& text) {
  constexpr std::array names = {
      std::pair{"ndcg", RechubMetric::ndcg}, std::pair{"mrr", RechubMetric::mrr},
      std::pair{"recall", RechubMetric::recall}, std::pair{"hit", RechubMetric::hit},
      std::pair{"precision", RechubMetric::precision}};
  for (const auto& [name, metric] : names) {
    if (text == name) return metric;
  }
  throw nb::value_error(("metric: RecHub has no '" + text + "'").c_str());
}

nb::dict to_dict(const Values& values) {
  nb::dict out;
  for (const evaluate::ValueField& field : evaluate::value_fields)
    out[field.name] = values.*field.value;
  return out;
}

/// An array for each metric: what NumPy works with, where C++ has a row for each user.
nb::dict to_dict(const std::vector<Values>& users) {
  nb::dict out;
  for (const evaluate::ValueField& field : evaluate::value_fields) {
    std::unique_ptr<double[]> column(new double[users.size()]);
    std::transform(users.begin(), users.end(), column.get(),
                   [&](const Values& user) { return user.*field.value; });
    out[field.name] = to_numpy(std::move(column), {users.size()});
  }
  return out;
}

nb::dict to_dict(const Report& report, bool per_user) {
  nb::list rows;
  for (const AtK& at : report.at) {
    nb::dict row;
    row["k"] = at.k;
    row["mean"] = to_dict(at.mean);
    row["coverage"] = at.coverage;
    row["low"] = at.low ? nb::object(to_dict(*at.low)) : nb::none();
    row["high"] = at.high ? nb::object(to_dict(*at.high)) : nb::none();
    row["per_user"] = per_user ? nb::object(to_dict(at.users)) : nb::none();
    rows.append(row);
  }
  nb::dict out;
  out["users"] = report.users;
  out["evaluated"] = report.evaluated;
  out["at"] = rows;
  return out;
}

nb::dict metrics(const Ids& offsets, const Ids& ids, const Table& retrieved, const Ks& ks,
                 const Named<"convention", std::string>& convention,
                 Named<"catalogue", std::size_t> catalogue,
                 Named<"bootstrap", std::size_t> bootstrap, Named<"confidence", double> confidence,
                 Named<"seed", std::uint64_t> seed, Named<"per_user", bool> per_user,
                 Threads threads, nb::handle timeout) {
  const evaluate::Options options = {
      convention_argument(convention), catalogue, bootstrap, confidence, seed, per_user, threads,
      stop_of_python(timeout)};
  Report report;
  {
    const WithoutGil released;
    report =
        evaluate::metrics(lists_of(offsets, ids),
                          {{retrieved.data(), retrieved.size()}, retrieved.shape(1)}, ks, options);
  }
  return to_dict(report, per_user);
}

nb::dict retrieval(const Index& index, nb::handle users, const Ids& offsets, const Ids& ids,
                   const Ks& ks, const std::optional<Ids>& exclude_offsets,
                   const std::optional<Ids>& exclude_ids, const MetricOrNone& metric,
                   const Named<"convention", std::string>& convention,
                   Named<"bootstrap", std::size_t> bootstrap,
                   Named<"confidence", double> confidence, Named<"seed", std::uint64_t> seed,
                   Named<"per_user", bool> per_user, Threads threads, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(users, "users", false);
  evaluate::RetrievalOptions options = {{convention_argument(convention), 0, bootstrap, confidence,
                                         seed, per_user, threads, stop_of_python(timeout)},
                                        std::nullopt};
  if (metric.value) options.metric = metric_argument(*metric.value);
  Report report;
  {
    const WithoutGil released;
    report = evaluate::retrieval(index, rows.view, lists_of(offsets, ids), ks,
                                 lists_of(exclude_offsets, exclude_ids), options);
  }
  return to_dict(report, per_user);
}

/// Copies, because a vector's memory cannot be handed over.
nb::ndarray<nb::numpy, std::int64_t> numpy_of(const std::vector<std::int64_t>& values) {
  std::unique_ptr<std::int64_t[]> copy(new std::int64_t[values.size()]);
  std::copy(values.begin(), values.end(), copy.get());
  return to_numpy(std::move(copy), {values.size()});
}

nb::ndarray<nb::numpy, std::int64_t> ranks(const Index& index, nb::handle users, const Ids& offsets,
                                           const Ids& ids,
                                           const std::optional<Ids>& exclude_offsets,
                                           const std::optional<Ids>& exclude_ids,
                                           const MetricOrNone& metric, Threads threads,
                                           nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(users, "users", false);
  evaluate::RankOptions options = {std::nullopt, threads, stop_of_python(timeout)};
  if (metric.value) options.metric = metric_argument(*metric.value);
  std::vector<std::int64_t> found;
  {
    const WithoutGil released;
    found = evaluate::ranks(index, rows.view, lists_of(offsets, ids),
                            lists_of(exclude_offsets, exclude_ids), options);
  }
  return numpy_of(found);
}

nb::tuple read_pairs(const nb::bytes& path, const std::string& user_column,
                     const std::string& item_column) {
  const std::string name = path_of(path);
  IdPairs pairs;
  {
    const WithoutGil released;
    pairs = read_id_pairs(name, {user_column, item_column});
  }
  return nb::make_tuple(numpy_of(pairs.first), numpy_of(pairs.second));
}

nb::tuple lists_from_pairs(const Ids& users, const Ids& items, std::size_t count) {
  evaluate::OwnedIdLists lists;
  {
    const WithoutGil released;
    lists = evaluate::lists_from_pairs(span_of(users), span_of(items), count);
  }
  return nb::make_tuple(numpy_of(lists.offsets), numpy_of(lists.ids));
}

}  // namespace

void bind_evaluate(nb::module_& module) {
  using namespace nb::literals;
  module.def("evaluate_metrics", &metrics, "offsets"_a, "ids"_a, "retrieved"_a, "ks"_a,
             "convention"_a.none(), "catalogue"_a.none(), "bootstrap"_a.none(),
             "confidence"_a.none(), "seed"_a.none(), "per_user"_a.none(), "threads"_a.none(),
             "timeout"_a.none());
  module.def("evaluate_retrieval", &retrieval, "index"_a, "users"_a.none(), "offsets"_a, "ids"_a,
             "ks"_a, "exclude_offsets"_a.none(), "exclude_ids"_a.none(), "metric"_a.none(),
             "convention"_a.none(), "bootstrap"_a.none(), "confidence"_a.none(), "seed"_a.none(),
             "per_user"_a.none(), "threads"_a.none(), "timeout"_a.none());
  module.def("evaluate_ranks", &ranks, "index"_a, "users"_a.none(), "offsets"_a, "ids"_a,
             "exclude_offsets"_a.none(), "exclude_ids"_a.none(), "metric"_a.none(),
             "threads"_a.none(), "timeout"_a.none());
  module.def("read_id_pairs", &read_pairs, "path"_a, "user_column"_a, "item_column"_a);
  module.def(
      "find_pair_columns",
      [](const std::vector<std::string>& names) {
        const PairPlaces places = find_pair_columns(names);
        return nb::make_tuple(places.user, places.item);
      },
      "names"_a);
  module.def("lists_from_pairs", &lists_from_pairs, "users"_a, "items"_a, "count"_a);
  module.def(
      "rechub_text",
      [](const std::string& metric, std::size_t k, double value) {
        return evaluate::rechub_text(rechub_metric(metric), k, value);
      },
      "metric"_a, "k"_a, "value"_a);
}

}  // namespace maxdot::python
