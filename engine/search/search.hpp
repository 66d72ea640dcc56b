// search: the whole of one call. Cuts queries and tiles into tasks, runs them on threads, merges, writes the results.
#pragma once

#include <cstddef>

#include "kernels/kernels.hpp"
#include "maxdot/index.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// Writes the k best items of each query to `out` (Index::search has the contract). `metric` is the one asked for.
/// Requires checked queries of the items' dimension. Throws Error (out_of_memory) before anything is written.
void search(const store::ItemStore& items, const kernels::KernelTable& table, const MatrixView& queries,
            std::size_t k, Metric metric, int threads, const ResultView& out);

}  // namespace maxdot::search
