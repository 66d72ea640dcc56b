// maxdot._core.verify: any library's answer before the judge. The documented function is
// maxdot/verification.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "judge/answer.hpp"
#include "maxdot/index.hpp"
#include "maxdot/machine.hpp"
#include "named_argument.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

using Ids = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Answer = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

nb::dict to_dict(const judge::Verdict& verdict) {
  nb::dict out;
  out["positions"] = verdict.positions;
  out["right"] = verdict.right;
  out["tied"] = verdict.tied;
  out["repeated"] = verdict.repeated;
  out["recall"] = verdict.wanted == 0
                      ? 1.0
                      : static_cast<double>(verdict.found) / static_cast<double>(verdict.wanted);
  out["first_wrong"] = nb::none();
  if (verdict.first) {
    const judge::WrongPlace& wrong = *verdict.first;
    out["first_wrong"] = nb::make_tuple(wrong.query, wrong.position, wrong.expected_id,
                                        wrong.given_id, wrong.expected_score, wrong.given_score);
  }
  return out;
}

void check_shapes(const MatrixView& items, const MatrixView& queries, const Answer& answer,
                  const std::optional<Ids>& item_ids) {
  const auto refuse = [](const std::string& message) { throw nb::value_error(message.c_str()); };
  if (queries.cols != items.cols) {
    refuse("queries: dimension " + std::to_string(queries.cols) +
           " differs from the items' dimension " + std::to_string(items.cols));
  }
  if (answer.shape(0) != queries.rows) {
    refuse("ids: " + std::to_string(answer.shape(0)) + " rows for " + std::to_string(queries.rows) +
           " queries; give one row of ids per query");
  }
  if (item_ids && item_ids->shape(0) != items.rows) {
    refuse("item_ids: " + std::to_string(item_ids->shape(0)) + " ids for " +
           std::to_string(items.rows) + " items; give one id per row");
  }
}

nb::dict verify(nb::handle items, nb::handle queries, const Answer& answer,
                const MetricText& metric, Named<"normalize", bool> normalize,
                const std::optional<Ids>& item_ids, Threads threads, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(items, "items", false);
  const MatrixArgument asked = matrix_argument(queries, "queries", true);
  check_shapes(rows.view, asked.view, answer, item_ids);
  judge::Question question = {rows.view, asked.view, metric_argument(metric), normalize, {}};
  if (item_ids) question.ids = {item_ids->data(), item_ids->shape(0)};
  const StopOptions stop = stop_of_python(timeout);
  judge::Verdict verdict;
  {
    const WithoutGil released;
    check_finite(rows.view, "items");
    check_finite(asked.view, "queries");
    const auto workers = static_cast<std::size_t>(threads > 0 ? threads : available_threads());
    verdict = judge::judge_answer(question, {answer.data(), answer.size()}, answer.shape(1),
                                  workers, stop);
  }
  if (verdict.denied != 0) {
    throw std::runtime_error(
        "verify: " + std::to_string(verdict.denied) +
        " float64 sums of this process are further from more precise ones than rounding can carry "
        "them; its compiler or CPU cannot be trusted");
  }
  return to_dict(verdict);
}

}  // namespace

void bind_verify(nb::module_& module) {
  using namespace nb::literals;
  module.def("verify", &verify, "items"_a.none(), "queries"_a.none(), "ids"_a, "metric"_a.none(),
             "normalize"_a.none(), "item_ids"_a.none(), "threads"_a.none(), "timeout"_a.none());
}

}  // namespace maxdot::python
