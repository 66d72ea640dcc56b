// maxdot._core.objective_*: the losses and the softmax over an index, with NumPy in and out. The
// documented functions are those of maxdot/objective.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "array_argument.hpp"
#include "bindings.hpp"
#include "maxdot/objective.hpp"
#include "named_argument.hpp"
#include "results.hpp"
#include "scores_argument.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

using Doubles = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using IdsArray = nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>;
using Shape = std::vector<std::size_t>;

/// An array that C++ fills if it is wanted; else an empty span, and None.
template <class T>
class Output {
 public:
  Output(bool wanted, Shape shape) : shape_(std::move(shape)), count_(wanted ? 1 : 0) {
    for (const std::size_t length : shape_) count_ *= length;
    if (wanted) values_.reset(new T[count_]);
  }
  std::span<T> span() { return {values_.get(), count_}; }
  nb::object take() {
    if (!values_) return nb::none();
    return nb::cast(to_numpy(std::move(values_), std::span<const std::size_t>(shape_)));
  }

 private:
  std::unique_ptr<T[]> values_;
  Shape shape_;
  std::size_t count_;
};

/// Calls work.operator()<T>() with the type of the scores.
template <class Work>
auto in_precision_of(const ScoresArgument& scores, const Work& work) {
  return scores.f64 ? work.template operator()<double>() : work.template operator()<float>();
}

nb::tuple bce(nb::handle scores, nb::handle labels, Named<"temperature", double> temperature,
              bool losses, bool gradient) {
  const ScoresArgument given = scores_argument(scores, "scores");
  const ScoresArgument wanted = labels_argument(labels, given);
  return in_precision_of(given, [&]<class T>() {
    Output<T> loss(losses, given.shape);
    Output<T> slope(gradient, given.shape);
    double mean = 0;
    {
      const WithoutGil released;
      mean = objective::bce(given.values<T>(), wanted.values<T>(), temperature, loss.span(),
                            slope.span());
    }
    return nb::make_tuple(mean, loss.take(), slope.take());
  });
}

/// positive is [B], the negatives [B, N], or [B] where that is allowed.
void check_contrast(const ScoresArgument& positive, const ScoresArgument& negative,
                    const char* name, bool vector_allowed) {
  const auto refuse = [](const char* argument, const Shape& shape, const std::string& wanted) {
    throw nb::value_error((std::string(argument) + ": shape " + shape_text(shape) + " is not " +
                           wanted + "; reshape it")
                              .c_str());
  };
  if (positive.shape.size() != 1) refuse("positive", positive.shape, "[B]");
  const std::size_t axes = negative.shape.size();
  if ((axes == 2 || (axes == 1 && vector_allowed)) && negative.shape[0] == positive.shape[0])
    return;
  const std::string rows = std::to_string(positive.shape[0]);
  refuse(name, negative.shape,
         (vector_allowed ? "[B] or [B, N]" : "[B, N]") + std::string(" with B = ") + rows +
             ", the number of positives");
}

enum class Contrast { pair, list };

template <Contrast kind>
nb::tuple contrast(nb::handle positive, nb::handle negative,
                   Named<"temperature", double> temperature, bool losses, bool gradient) {
  constexpr bool pair = kind == Contrast::pair;
  constexpr const char* name = pair ? "negative" : "negatives";
  const ScoresArgument best = scores_argument(positive, "positive");
  const ScoresArgument rest = scores_like(negative, name, best, "positive");
  check_contrast(best, rest, name, pair);
  return in_precision_of(best, [&]<class T>() {
    Output<T> loss(losses, pair ? rest.shape : best.shape);
    Output<T> positive_slope(gradient, best.shape);
    Output<T> negative_slope(gradient, rest.shape);
    const objective::ContrastOutputs<T> out = {loss.span(), positive_slope.span(),
                                               negative_slope.span()};
    double mean = 0;
    {
      const WithoutGil released;
      mean = pair ? objective::bpr(best.values<T>(), rest.values<T>(), temperature, out)
                  : objective::cross_entropy(best.values<T>(), rest.values<T>(), temperature, out);
    }
    return nb::make_tuple(mean, loss.take(), positive_slope.take(), negative_slope.take());
  });
}

nb::object probability(nb::handle scores, Named<"temperature", double> temperature) {
  const ScoresArgument given = scores_argument(scores, "scores");
  return in_precision_of(given, [&]<class T>() {
    Output<T> out(true, given.shape);
    {
      const WithoutGil released;
      objective::probability(given.values<T>(), out.span(), temperature);
    }
    return out.take();
  });
}

std::span<const double> span_of(const Doubles& values) { return {values.data(), values.size()}; }

nb::object softmax(nb::handle scores, const Doubles& log_partition,
                   Named<"temperature", double> temperature, const std::optional<Doubles>& log_q) {
  const ScoresArgument given = scores_argument(scores, "scores");
  // [n, m] with [n], or [m] with one number.
  if (given.shape.size() != log_partition.ndim() + 1 ||
      (log_partition.ndim() == 1 && log_partition.shape(0) != given.shape[0])) {
    throw nb::value_error(
        ("scores: shape " + shape_text(given.shape) +
         " does not fit log_partition; give [n, m] with [n], or [m] with one number")
            .c_str());
  }
  if (log_q) {
    const Shape corrected(log_q->shape_ptr(), log_q->shape_ptr() + log_q->ndim());
    if (corrected != given.shape) {
      throw nb::value_error(("log_q: shape " + shape_text(corrected) +
                             " differs from that of scores, " + shape_text(given.shape) +
                             "; give the correction of each scored item")
                                .c_str());
    }
  }
  return in_precision_of(given, [&]<class T>() {
    Output<T> out(true, given.shape);
    {
      const WithoutGil released;
      objective::softmax(given.values<T>(), span_of(log_partition), out.span(), temperature,
                         log_q ? span_of(*log_q) : std::span<const double>());
    }
    return out.take();
  });
}

objective::SoftmaxOptions options_of(double temperature, const std::optional<Doubles>& log_q,
                                     const std::optional<std::string>& metric, int threads,
                                     nb::handle timeout) {
  objective::SoftmaxOptions options;
  options.temperature = temperature;
  if (log_q) options.log_q = span_of(*log_q);
  if (metric) options.metric = metric_argument(*metric);
  options.threads = threads;
  options.stop = stop_of_python(timeout);
  return options;
}

/// [m] for m queries, no axis for one of shape [d].
Shape rows_shape(const MatrixArgument& queries) {
  return queries.one_dimensional ? Shape{} : Shape{queries.view.rows};
}

nb::object log_partition(const Index& index, nb::handle queries,
                         Named<"temperature", double> temperature,
                         const std::optional<Doubles>& log_q, const MetricOrNone& metric,
                         Threads threads, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(queries, "queries", true);
  const objective::SoftmaxOptions options =
      options_of(temperature, log_q, metric, threads, timeout);
  Output<double> out(true, rows_shape(rows));
  {
    const WithoutGil released;
    objective::log_partition(index, rows.view, out.span(), options);
  }
  return out.take();
}

nb::tuple full_softmax(const Index& index, nb::handle queries, const IdsArray& positive_ids,
                       Named<"temperature", double> temperature,
                       const std::optional<Doubles>& log_q, const MetricOrNone& metric,
                       Threads threads, bool losses, bool gradient, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(queries, "queries", false);
  const objective::SoftmaxOptions options =
      options_of(temperature, log_q, metric, threads, timeout);
  Output<double> loss(losses, rows_shape(rows));
  Output<double> slope(gradient, rows_shape(rows));
  double mean = 0;
  {
    const WithoutGil released;
    mean = objective::full_softmax(
        index, rows.view, {positive_ids.data(), positive_ids.size()}, options,
        {.losses = loss.span(), .gradient = slope.span(), .log_partition = {}});
  }
  return nb::make_tuple(mean, loss.take(), slope.take());
}

nb::object probabilities(const Index& index, nb::handle queries, const IdsArray& ids,
                         const Doubles& log_partition, Named<"temperature", double> temperature,
                         const std::optional<Doubles>& log_q, const MetricOrNone& metric,
                         Threads threads, nb::handle timeout) {
  const MatrixArgument rows = matrix_argument(queries, "queries", true);
  const Shape shape(ids.shape_ptr(), ids.shape_ptr() + ids.ndim());
  const bool fits =
      rows.one_dimensional ? shape.size() == 1 : shape.size() == 2 && shape[0] == rows.view.rows;
  if (!fits) {
    throw nb::value_error(("ids: shape " + shape_text(shape) + " does not fit " +
                           std::to_string(rows.view.rows) +
                           " queries; give [queries, m], or [m] for one query [d]")
                              .c_str());
  }
  const objective::SoftmaxOptions options =
      options_of(temperature, log_q, metric, threads, timeout);
  Output<double> out(true, shape);
  {
    const WithoutGil released;
    objective::probabilities(index, rows.view, {ids.data(), ids.size()}, span_of(log_partition),
                             out.span(), options);
  }
  return out.take();
}

}  // namespace

void bind_objective(nb::module_& module) {
  using namespace nb::literals;
  module.def("objective_bce", &bce, "scores"_a.none(), "labels"_a.none(), "temperature"_a.none(),
             "losses"_a, "gradient"_a);
  module.def("objective_bpr", &contrast<Contrast::pair>, "positive"_a.none(), "negative"_a.none(),
             "temperature"_a.none(), "losses"_a, "gradient"_a);
  module.def("objective_cross_entropy", &contrast<Contrast::list>, "positive"_a.none(),
             "negatives"_a.none(), "temperature"_a.none(), "losses"_a, "gradient"_a);
  module.def("objective_probability", &probability, "scores"_a.none(), "temperature"_a.none());
  module.def("objective_softmax", &softmax, "scores"_a.none(), "log_partition"_a,
             "temperature"_a.none(), "log_q"_a.none());
  module.def("objective_log_partition", &log_partition, "index"_a, "queries"_a.none(),
             "temperature"_a.none(), "log_q"_a.none(), "metric"_a.none(), "threads"_a.none(),
             "timeout"_a.none());
  module.def("objective_full_softmax", &full_softmax, "index"_a, "queries"_a.none(),
             "positive_ids"_a, "temperature"_a.none(), "log_q"_a.none(), "metric"_a.none(),
             "threads"_a.none(), "losses"_a, "gradient"_a, "timeout"_a.none());
  module.def("objective_probabilities", &probabilities, "index"_a, "queries"_a.none(), "ids"_a,
             "log_partition"_a, "temperature"_a.none(), "log_q"_a.none(), "metric"_a.none(),
             "threads"_a.none(), "timeout"_a.none());
}

}  // namespace maxdot::python
