// maxdot._core.verify: any library's answer against brute force in f64. The documented function is
// maxdot/verification.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "maxdot/reference.hpp"

namespace maxdot::python {
namespace {

using Ids = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Answer = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

struct Wrong {
  std::size_t query = 0;
  std::size_t position = 0;
  std::int64_t expected = -1;
  std::int64_t given = -1;
};

struct Tally {
  std::size_t positions = 0;
  std::size_t right = 0;
  std::size_t tied = 0;
  std::size_t found = 0;  ///< of the true items, however ordered
  std::size_t repeated = 0;
  std::optional<Wrong> first;
};

/// f32 copies of single rows, since scores are defined on f32 values.
class Rows {
 public:
  explicit Rows(const MatrixView& view)
      : view_(view), buffer_(view.dtype == DType::f16 ? view.cols : 0) {}
  const float* operator[](std::size_t r) {
    if (view_.dtype == DType::f32) return static_cast<const float*>(view_.row(r));
    // An index of one row widens f16 exactly; only rows that look wrong come here.
    const MatrixView one = view_.slice(r, 1);
    Index::build(one, {.metric = Metric::dot, .normalize = false, .ids = {}, .threads = 1})
        .item_row(0, buffer_.data());
    return buffer_.data();
  }

 private:
  MatrixView view_;
  std::vector<float> buffer_;
};

class Judge {
 public:
  Judge(const MatrixView& items, const MatrixView& queries, Metric metric, bool normalize,
        std::span<const std::int64_t> ids)
      : items_(items),
        queries_(queries),
        dimension_(items.cols),
        metric_(metric),
        normalize_(normalize) {
    for (std::size_t r = 0; r < ids.size(); ++r) row_of_.emplace(ids[r], r);
    count_ = items.rows;
    has_ids_ = !ids.empty();
  }

  void judge_row(std::size_t r, const std::int64_t* given, const std::int64_t* truth, std::size_t k,
                 std::size_t count, Tally& tally) {
    const std::unordered_set<std::int64_t> wanted(truth, truth + count);
    std::unordered_set<std::int64_t> seen;
    for (std::size_t i = 0; i < k; ++i) {
      const bool fresh = given[i] < 0 || seen.insert(given[i]).second;
      if (!fresh) ++tally.repeated;
      if (fresh && wanted.count(given[i]) != 0) ++tally.found;
      if (i >= count && given[i] < 0) continue;  // both say that no item is left
      ++tally.positions;
      if (i < count && given[i] == truth[i]) {
        ++tally.right;
      } else if (i < count && fresh && ties(r, given[i], truth[i])) {
        ++tally.tied;
      } else if (!tally.first) {
        tally.first = Wrong{r, i, i < count ? truth[i] : -1, given[i]};
      }
    }
  }

  std::optional<double> score(std::size_t query, std::int64_t id) {
    return pair(query, id, &reference::Score::reported);
  }

 private:
  std::optional<std::size_t> row_of(std::int64_t id) const {
    if (!has_ids_) {
      return id >= 0 && static_cast<std::size_t>(id) < count_
                 ? std::optional(static_cast<std::size_t>(id))
                 : std::nullopt;
    }
    const auto found = row_of_.find(id);
    return found == row_of_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<double> pair(std::size_t query, std::int64_t id, double reference::Score::*part) {
    const auto row = row_of(id);
    if (!row) return std::nullopt;
    return reference::score(queries_[query], items_[*row], dimension_, metric_, normalize_).*part;
  }
  bool ties(std::size_t query, std::int64_t a, std::int64_t b) {
    const auto left = pair(query, a, &reference::Score::key);
    return left && left == pair(query, b, &reference::Score::key);
  }

  Rows items_;
  Rows queries_;
  std::size_t dimension_;
  std::size_t count_ = 0;
  Metric metric_;
  bool normalize_;
  bool has_ids_ = false;
  std::unordered_map<std::int64_t, std::size_t> row_of_;
};

nb::dict to_dict(const Tally& tally, Judge& judge, std::size_t wanted) {
  nb::dict out;
  out["positions"] = tally.positions;
  out["right"] = tally.right;
  out["tied"] = tally.tied;
  out["repeated"] = tally.repeated;
  out["recall"] =
      wanted == 0 ? 1.0 : static_cast<double>(tally.found) / static_cast<double>(wanted);
  out["first_wrong"] = nb::none();
  if (tally.first) {
    const Wrong& wrong = *tally.first;
    const auto score = [&](std::int64_t id) { return judge.score(wrong.query, id); };
    out["first_wrong"] = nb::make_tuple(wrong.query, wrong.position, wrong.expected, wrong.given,
                                        score(wrong.expected), score(wrong.given));
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
                const std::string& metric, bool normalize, const std::optional<Ids>& item_ids,
                int threads) {
  const MatrixArgument rows = matrix_argument(items, "items", false);
  const MatrixArgument asked = matrix_argument(queries, "queries", true);
  check_shapes(rows.view, asked.view, answer, item_ids);
  const Metric by = metric_argument(metric);
  const std::size_t k = answer.shape(1);
  std::span<const std::int64_t> ids;
  if (item_ids) ids = {item_ids->data(), item_ids->shape(0)};
  Tally tally;
  std::size_t wanted = 0;
  Judge judge(rows.view, asked.view, by, normalize, ids);
  {
    const nb::gil_scoped_release released;
    check_finite(rows.view, "items");
    check_finite(asked.view, "queries");
    const SearchResult truth = reference::top_k(rows.view, asked.view, k, by, normalize,
                                                ids.empty() ? nullptr : ids.data(), threads);
    for (std::size_t r = 0; r < truth.queries; ++r) {
      const auto count = static_cast<std::size_t>(truth.counts[r]);
      judge.judge_row(r, answer.data() + r * k, truth.ids.data() + r * k, k, count, tally);
      wanted += count;
    }
  }
  return to_dict(tally, judge, wanted);
}

}  // namespace

void bind_verify(nb::module_& module) {
  using namespace nb::literals;
  module.def("verify", &verify, "items"_a.none(), "queries"_a.none(), "ids"_a, "metric"_a,
             "normalize"_a, "item_ids"_a.none(), "threads"_a);
}

}  // namespace maxdot::python
