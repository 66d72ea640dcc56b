// How many items are better than a given one: exact, in one pass, without a list of the best.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/types.hpp"
#include "store/item_store.hpp"

namespace maxdot::measure {

inline constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);

/// better[p] = number of items before the one in row rows[p] in the order of query q's results, for
/// p in [offsets[q], offsets[q + 1]); 0 where rows[p] is kNoRow. Requires checked queries of the
/// items' dimension. Throws std::bad_alloc, or Error (out_of_memory), before anything is written.
void count_better(const store::ItemStore& items, const kernels::KernelTable& kernels,
                  base::Ranking ranking, const MatrixView& queries,
                  std::span<const std::int64_t> offsets, std::span<const std::size_t> rows,
                  int threads, std::int64_t* better);

}  // namespace maxdot::measure
