// The logarithm of a sum of exponentials over all items, for many queries in one pass.
// docs/objectives.md has the error bound and the reasons.
#pragma once

#include <cstddef>
#include <limits>

#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/types.hpp"
#include "store/item_store.hpp"

namespace maxdot::softmax {

/// What the logit of a query and an item is: score / temperature - log_q[row].
struct Logits {
  const store::ItemStore& items;
  const kernels::KernelTable& kernels;
  base::Ranking ranking;  // dot or cosine
  double temperature;     // finite, above 0
  const double* log_q;    // [items], finite, or null

  /// In f64. `square` is dot64(query, query).
  double of(const float* query, double square, std::size_t row) const noexcept;
};

inline constexpr std::size_t kNoRow = std::numeric_limits<std::size_t>::max();

/// out[q] = ln Σ e^logit over all items but the one in row left_out[q] (kNoRow: none; null: none
/// for any query); -inf for no items. The same bits whatever the threads, the batch, and the kernel
/// table. Requires checked queries of the items' dimension. Throws std::bad_alloc, or Error
/// (out_of_memory).
void log_sum_exp(const Logits& logits, const MatrixView& queries, const std::size_t* left_out,
                 int threads, double* out);

}  // namespace maxdot::softmax
