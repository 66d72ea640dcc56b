// maxdot._core.Batcher and Answers: the C++ Batcher for threads that wait, and for event loops. The
// documented class is maxdot/batcher.py.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "answers.hpp"
#include "array_argument.hpp"
#include "bindings.hpp"
#include "filter_arguments.hpp"
#include "maxdot/batcher.hpp"
#include "named_argument.hpp"
#include "of_process.hpp"
#include "python_live_index.hpp"
#include "results.hpp"
#include "without_gil.hpp"

namespace maxdot::python {
namespace {

RequestOptions request_options(const std::optional<std::string>& metric, ScoreType scores,
                               const FilterArguments& filters, nb::handle timeout) {
  RequestOptions options;
  if (metric) options.metric = metric_argument(*metric);
  options.score_kind = kind_of(scores);
  options.filters = filters.views();
  options.timeout = timeout_argument(timeout).value_or(0.0);
  return options;
}

/// What Python holds of the answers of a loop.
struct AnswersOfLoop {
  std::shared_ptr<Answers> answers;
};

class PythonBatcher {
 public:
  /// Of an Index or a LiveIndex.
  template <class Asked>
  PythonBatcher(const Asked& asked, const BatcherOptions& options)
      : batcher_(std::make_unique<Batcher>(asked, options)) {}

  /// Throws Error (unsupported) in a forked child.
  Batcher& here() const {
    return batcher_.here(
        "batcher: this process was forked from the one that made it; make one here");
  }

  AnswersOfLoop answers() {
    std::erase_if(answers_, [](const auto& answers) { return answers.use_count() == 1; });
    answers_.push_back(std::make_shared<Answers>());
    return {answers_.back()};
  }

 private:
  // Destroyed with the GIL, and when the last request was answered: they hold Python's arrays, and
  // whoever searches must not be the last who has them.
  std::vector<std::shared_ptr<Answers>> answers_;
  OfProcess<Batcher> batcher_;
};

nb::tuple search(const PythonBatcher& bound, nb::handle queries, K k, const MetricOrNone& metric,
                 const ScoresText& scores, Lists exclude, Lists allow, Mask item_mask,
                 nb::handle timeout) {
  Batcher& batcher = bound.here();
  const MatrixArgument rows = matrix_argument(queries, "queries", true);
  const std::size_t width = k_argument(k);
  const ScoreType type = score_type_argument(scores);
  const FilterArguments filters = {std::move(exclude), std::move(allow), std::move(item_mask)};
  const RequestOptions options = request_options(metric, type, filters, timeout);
  ResultArrays results;
  {
    const WithoutGil released;
    results = ResultArrays(rows.view.rows, width);
    batcher.search_into(rows.view, width, {results.ids.get(), results.scores.get()}, options);
  }
  auto [ids, values] = std::move(results).to_numpy(rows.one_dimensional, type);
  return nb::make_tuple(ids, values);
}

// Keeps the GIL: who holds a lock of the Batcher never waits for it.
void submit(const PythonBatcher& bound, const AnswersOfLoop& loop, std::int64_t ticket,
            nb::handle queries, K k, const MetricOrNone& metric, const ScoresText& scores,
            Lists exclude, Lists allow, Mask item_mask, nb::handle timeout) {
  Batcher& batcher = bound.here();
  const MatrixArgument rows = matrix_argument(queries, "queries", true);
  std::list<Answer> answer(1);
  Answer& own = answer.front();
  own.ticket = ticket;
  own.one_dimensional = rows.one_dimensional;
  own.scores = score_type_argument(scores);
  own.filters = {std::move(exclude), std::move(allow), std::move(item_mask)};
  const RequestOptions options = request_options(metric, own.scores, own.filters, timeout);
  batcher.submit(
      rows.view, k_argument(k),
      [answers = loop.answers, answer = std::move(answer)](SearchResult&& result,
                                                           const Error* error) mutable {
        answer.front().result = std::move(result);
        if (error != nullptr) answer.front().error = *error;
        answers->put(answer);
      },
      options);
}

/// What the request gets: (ids, scores), or an exception.
nb::object value_of(const Answer& answer) {
  try {
    if (answer.error) return exception_of(*answer.error);
    const SearchResult& result = answer.result;
    ResultArrays arrays(result.queries, result.k);
    std::copy(result.ids.begin(), result.ids.end(), arrays.ids.get());
    std::copy(result.scores.begin(), result.scores.end(), arrays.scores.get());
    auto [ids, scores] = std::move(arrays).to_numpy(answer.one_dimensional, answer.scores);
    return nb::make_tuple(ids, scores);
  } catch (const Error& error) {
    return exception_of(error);
  } catch (const std::bad_alloc&) {
    return exception_of(Error(ErrorCode::out_of_memory, "no memory for the results"));
  } catch (nb::python_error& error) {
    return nb::borrow(error.value());
  }
}

/// (ticket, value) of each answer that has come.
nb::list take(const AnswersOfLoop& loop) {
  nb::list values;
  for (const Answer& answer : loop.answers->take())
    values.append(nb::make_tuple(answer.ticket, value_of(answer)));
  return values;
}

nb::dict stats(const PythonBatcher& bound) {
  const BatcherStats done = bound.here().stats();
  nb::dict stats;
  stats["requests"] = done.requests;
  stats["queries"] = done.queries;
  stats["batches"] = done.batches;
  stats["largest_batch"] = done.largest_batch;
  stats["overloaded"] = done.overloaded;
  stats["timeouts"] = done.timeouts;
  stats["waiting_queries"] = done.waiting_queries;
  return stats;
}

}  // namespace

void bind_batcher(nb::module_& module) {
  using namespace nb::literals;
  nb::class_<AnswersOfLoop>(module, "Answers")
      .def_prop_ro("descriptor",
                   [](const AnswersOfLoop& loop) { return loop.answers->descriptor(); })
      .def("take", &take);
  nb::class_<PythonBatcher> bound(module, "Batcher");
  bound
      .def(
          "__init__",
          [](PythonBatcher* made, const std::variant<const Index*, const PythonLiveIndex*>& index,
             Named<"most_batch_queries", std::size_t> most_batch_queries,
             Named<"most_waiting_queries", std::size_t> most_waiting_queries, Threads threads) {
            const BatcherOptions options = {.most_batch_queries = most_batch_queries,
                                            .most_waiting_queries = most_waiting_queries,
                                            .threads = threads};
            if (const auto* live = std::get_if<const PythonLiveIndex*>(&index)) {
              new (made) PythonBatcher((*live)->here(), options);
            } else {
              new (made) PythonBatcher(*std::get<const Index*>(index), options);
            }
          },
          "index"_a, "most_batch_queries"_a.none(), "most_waiting_queries"_a.none(),
          "threads"_a.none())
      .def("answers", &PythonBatcher::answers)
      .def("replace",
           [](const PythonBatcher& batcher, const Index& index) { batcher.here().replace(index); })
      .def("stats", &stats);
  const auto with_options = [&](const char* name, auto function, auto... arguments) {
    bound.def(name, function, arguments..., "queries"_a.none(), "k"_a.none(), "metric"_a.none(),
              "scores"_a.none(), "exclude"_a.none(), "allow"_a.none(), "item_mask"_a.none(),
              "timeout"_a.none());
  };
  with_options("search", &search);
  with_options("submit", &submit, "answers"_a, "ticket"_a);
}

}  // namespace maxdot::python
