// Objectives of recall models: losses with derivatives, calibrated scores, and the softmax over a
// whole index. docs/objectives.md has the formulas, the accuracy, and the reasons.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "maxdot/index.hpp"
#include "maxdot/types.hpp"

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {
namespace objective {

// The losses. Scores are f32 or f64; logits are score / temperature; everything is computed in f64
// and rounded once when it is written. The value is the mean over all rows, summed in ascending
// order. Outputs are optional: an empty span is not written, another must have the stated length. A
// derivative is that of the row's own loss with respect to the *score* (it holds the factor 1 /
// temperature); that of the mean is the same divided by the number of losses.
//
// Each throws Error: invalid_argument (a length does not fit, nothing to average, temperature not
// finite and > 0), invalid_data (a score that is NaN or Inf, a label outside [0, 1]; names the
// argument and the element).

/// Point-wise: binary cross-entropy of σ(logit) with a label in [0, 1]. scores, labels, losses,
/// gradient: [n].
double bce(std::span<const float> scores, std::span<const float> labels, double temperature = 1.0,
           std::span<float> losses = {}, std::span<float> gradient = {});
double bce(std::span<const double> scores, std::span<const double> labels, double temperature = 1.0,
           std::span<double> losses = {}, std::span<double> gradient = {});

/// What the losses over positives and negatives write. N = negatives per positive.
template <typename T>
struct ContrastOutputs {
  std::span<T> losses = {};             ///< bpr: [B, N]; cross_entropy: [B]
  std::span<T> positive_gradient = {};  ///< [B]; bpr: the sum over the positive's N losses
  std::span<T> negative_gradient = {};  ///< [B, N]
};

/// Pair-wise (BPR): -ln σ(positive's logit - negative's logit), one loss for each pair.
/// positive: [B]; negative: [B, N] row-major, N >= 1 told by its length.
double bpr(std::span<const float> positive, std::span<const float> negative,
           double temperature = 1.0, const ContrastOutputs<float>& out = {});
double bpr(std::span<const double> positive, std::span<const double> negative,
           double temperature = 1.0, const ContrastOutputs<double>& out = {});

/// List-wise: softmax cross-entropy of one positive among itself and its N sampled negatives, one
/// loss a row. positive: [B]; negatives: [B, N] row-major, N >= 1 told by its length.
double cross_entropy(std::span<const float> positive, std::span<const float> negatives,
                     double temperature = 1.0, const ContrastOutputs<float>& out = {});
double cross_entropy(std::span<const double> positive, std::span<const double> negatives,
                     double temperature = 1.0, const ContrastOutputs<double>& out = {});

/// σ(score / temperature) for each score. -inf and +inf (a search's padding) give 0 and 1; a NaN is
/// an Error (invalid_data). `out` may be `scores`.
void probability(std::span<const float> scores, std::span<float> out, double temperature = 1.0);
void probability(std::span<const double> scores, std::span<double> out, double temperature = 1.0);

/// e^(score / temperature - log_q - log_partition) for scores [n, m] and log_partition [n]: the
/// softmax probability of each scored item over the whole index, at most 1. `log_q` is [n, m], the
/// same correction of each scored item that log_partition had, or empty. A score of -inf (padding)
/// gives 0. `out` may be `scores`.
void softmax(std::span<const float> scores, std::span<const double> log_partition,
             std::span<float> out, double temperature = 1.0, std::span<const double> log_q = {});
void softmax(std::span<const double> scores, std::span<const double> log_partition,
             std::span<double> out, double temperature = 1.0, std::span<const double> log_q = {});

// The softmax over the whole index: logit(q, x) = score(q, x) / temperature - log_q[x].

struct SoftmaxOptions {
  double temperature = 1.0;
  /// Log-q correction, one finite value for each row of the index in row order: what its logit is
  /// lowered by. Empty: none.
  std::span<const double> log_q = {};
  /// dot or cosine; the index's own if not given. A normalised index scores by cosine whatever is
  /// asked. Distances are no logits: euclidean is refused.
  std::optional<Metric> metric = std::nullopt;
  /// Threads; 0 = every core that this process may use. Results do not depend on it.
  int threads = 0;
  StopOptions stop = {};
};

/// ln Σ over all items of e^logit, for each query, in one pass over the index; out: [queries.rows].
/// Memory does not grow with the number of queries, and with the items by half a byte for each and
/// each thread. The same bits whatever the threads, the batch, and the instruction set. -inf for an
/// index without items. Error bound: docs/objectives.md. Throws Error: invalid_argument (dimension,
/// length, option), invalid_data (NaN or Inf), out_of_memory.
void log_partition(const Index& index, const MatrixView& queries, std::span<double> out,
                   const SoftmaxOptions& options = {});

/// What full_softmax writes; all [queries.rows], each may be empty.
struct FullSoftmaxOutputs {
  std::span<double> losses = {};
  /// Derivative of the row's loss with respect to the positive's score: (p - 1) / temperature.
  std::span<double> gradient = {};
  std::span<double> log_partition = {};
};

/// Softmax cross-entropy over the whole index: the mean of -ln p(positive_ids[r] | query r). The
/// positive's logit is computed in f64 and kept apart from the sum over the other items, so a loss
/// near 0 keeps its relative accuracy. Throws what log_partition throws, and Error (invalid_data)
/// for an id that the index does not hold.
double full_softmax(const Index& index, const MatrixView& queries,
                    std::span<const std::int64_t> positive_ids, const SoftmaxOptions& options = {},
                    const FullSoftmaxOutputs& out = {});

/// p(id | query) for ids [queries.rows, m] row-major, given each query's log_partition of the same
/// options; out like ids. Logits are computed in f64. The padding id -1 gives 0. Throws what
/// log_partition throws, and Error (invalid_data) for another id that the index does not hold.
void probabilities(const Index& index, const MatrixView& queries, std::span<const std::int64_t> ids,
                   std::span<const double> log_partition, std::span<double> out,
                   const SoftmaxOptions& options = {});

}  // namespace objective
}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
