// The softmax over a whole index: checks what the caller gives, hands over to engine/softmax.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "api/index_parts.hpp"
#include "api/item_rows.hpp"
#include "base/elementary.hpp"
#include "base/entry.hpp"
#include "base/logistic.hpp"
#include "base/parallel.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "maxdot/objective.hpp"
#include "softmax/log_sum_exp.hpp"
#include "softmax/queries.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace objective {
namespace {

// Queries whose f32 copies are held at once where only given items are scored.
constexpr std::size_t kScoredAtOnce = 256;

softmax::Logits checked_logits(const Index& index, const SoftmaxOptions& options) {
  const store::ItemStore& items = api::IndexParts::items_of(index);
  api::require_rows_in_memory(items, "a softmax over all items");
  if (!std::isfinite(options.temperature) || options.temperature <= 0.0) {
    throw Error(ErrorCode::invalid_argument,
                "temperature: " + std::to_string(options.temperature) +
                    " is not a finite number above 0; 1 changes nothing");
  }
  const Metric metric = api::checked_metric(options.metric.value_or(items.metric));
  if (metric != Metric::dot && metric != Metric::cosine) {
    throw Error(ErrorCode::invalid_argument,
                "metric: a distance is no logit; ask with metric dot or cosine");
  }
  if (!options.log_q.empty() && options.log_q.size() != items.items) {
    throw Error(ErrorCode::invalid_argument, "log_q: has " + std::to_string(options.log_q.size()) +
                                                 " values; give one for each of the index's " +
                                                 std::to_string(items.items) + " rows");
  }
  for (std::size_t row = 0; row < options.log_q.size(); ++row) {
    if (std::isfinite(options.log_q[row])) continue;
    throw Error(ErrorCode::invalid_data,
                "log_q: row " + std::to_string(row) +
                    " is not finite; give the logarithm of a probability above 0");
  }
  return {items, kernels::active_table(), base::ranking_of(metric, items.normalized),
          options.temperature, options.log_q.empty() ? nullptr : options.log_q.data()};
}

void check_length(const char* name, std::size_t length, std::size_t wanted) {
  if (length == wanted) return;
  throw Error(ErrorCode::invalid_argument, std::string(name) + ": has " + std::to_string(length) +
                                               " elements, but " + std::to_string(wanted) +
                                               " are needed");
}

auto no_memory_for(const MatrixView& queries) {
  return [&queries] {
    return "no memory for the softmax of " + std::to_string(queries.rows) +
           " queries; use fewer, or fewer threads";
  };
}

// f64 logits of rows [queries, m]; kNoRow gives -inf. The memory is that of kScoredAtOnce queries.
template <typename Write>
void score(const softmax::Logits& logits, const MatrixView& queries,
           const std::vector<std::size_t>& rows, std::size_t m, int threads, const Write& write) {
  softmax::Queries ready;
  ready.reserve(std::min(kScoredAtOnce, queries.rows), queries.cols);
  for (std::size_t begin = 0; begin < queries.rows; begin += kScoredAtOnce) {
    const std::size_t count = std::min(kScoredAtOnce, queries.rows - begin);
    base::parallel_for(count, threads, [&](std::size_t q, int) noexcept {
      ready.prepare(logits, queries, begin + q, q);
      for (std::size_t i = (begin + q) * m; i < (begin + q + 1) * m; ++i) {
        write(i, rows[i] == softmax::kNoRow ? -std::numeric_limits<double>::infinity()
                                            : logits.of(ready.values(q), ready.square(q), rows[i]));
      }
    });
  }
}

}  // namespace

void log_partition(const Index& index, const MatrixView& queries, std::span<double> out,
                   const SoftmaxOptions& options) {
  base::entry(options.stop, no_memory_for(queries), [&] {
    const softmax::Logits logits = checked_logits(index, options);
    const int threads = api::checked_threads(options.threads);
    check_length("out", out.size(), queries.rows);
    api::check_queries(logits.items, queries, "queries", threads);
    softmax::log_sum_exp(logits, queries, nullptr, threads, out.data());
  });
}

double full_softmax(const Index& index, const MatrixView& queries,
                    std::span<const std::int64_t> positive_ids, const SoftmaxOptions& options,
                    const FullSoftmaxOutputs& out) {
  return base::entry(options.stop, no_memory_for(queries), [&] {
    const softmax::Logits logits = checked_logits(index, options);
    const int threads = api::checked_threads(options.threads);
    if (queries.rows == 0) {
      throw Error(ErrorCode::invalid_argument, "queries: has no rows; a mean needs at least one");
    }
    check_length("positive_ids", positive_ids.size(), queries.rows);
    for (const auto& [name, span] :
         {std::pair{"losses", out.losses}, std::pair{"gradient", out.gradient},
          std::pair{"log_partition", out.log_partition}}) {
      if (!span.empty()) check_length(name, span.size(), queries.rows);
    }
    api::check_queries(logits.items, queries, "queries", threads);
    const std::vector<std::size_t> rows = api::rows_of(api::IndexParts::of(index), "positive_ids",
                                                       positive_ids, api::Padding::refused);

    std::vector<double> others(queries.rows);
    std::vector<double> positive(queries.rows);
    softmax::log_sum_exp(logits, queries, rows.data(), threads, others.data());
    score(logits, queries, rows, 1, threads,
          [&](std::size_t q, double logit) noexcept { positive[q] = logit; });

    double total = 0.0;
    for (std::size_t q = 0; q < queries.rows; ++q) {
      // -ln p = ln(1 + e^(ln Σ others - positive)); an index of one item has p = 1.
      const double margin = others[q] - positive[q];
      const double loss = base::softplus(margin);
      total += loss;
      if (!out.losses.empty()) out.losses[q] = loss;
      if (!out.gradient.empty()) out.gradient[q] = -base::sigmoid(margin) / options.temperature;
      if (!out.log_partition.empty()) out.log_partition[q] = positive[q] + loss;
    }
    return total / static_cast<double>(queries.rows);
  });
}

void probabilities(const Index& index, const MatrixView& queries, std::span<const std::int64_t> ids,
                   std::span<const double> log_partition, std::span<double> out,
                   const SoftmaxOptions& options) {
  base::entry(options.stop, no_memory_for(queries), [&] {
    const softmax::Logits logits = checked_logits(index, options);
    const int threads = api::checked_threads(options.threads);
    check_length("log_partition", log_partition.size(), queries.rows);
    check_length("out", out.size(), ids.size());
    if (queries.rows == 0 ? !ids.empty() : ids.size() % queries.rows != 0) {
      throw Error(ErrorCode::invalid_argument,
                  "ids: " + std::to_string(ids.size()) +
                      " elements are no whole number for each of the " +
                      std::to_string(queries.rows) + " queries; give [queries, m]");
    }
    api::check_queries(logits.items, queries, "queries", threads);
    const std::vector<std::size_t> rows =
        api::rows_of(api::IndexParts::of(index), "ids", ids, api::Padding::allowed);
    if (ids.empty()) return;
    const std::size_t m = ids.size() / queries.rows;
    score(logits, queries, rows, m, threads, [&](std::size_t i, double logit) noexcept {
      out[i] = std::min(1.0, base::exp(logit - log_partition[i / m]));
    });
  });
}

}  // namespace objective
}  // namespace v0_1
}  // namespace maxdot
