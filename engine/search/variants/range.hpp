// range: every item within a threshold, for each query of a call.
#pragma once

#include <span>

#include "kernels/kernels.hpp"
#include "maxdot/index.hpp"
#include "search/search.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// Index::search_range has the contract. Uses all of `request` but k. Requires checked queries of
/// the items' dimension and thresholds that are not NaN, one for each query. Throws Error
/// (out_of_memory) or std::bad_alloc.
RangeResult range(const store::ItemStore& items, const kernels::KernelTable& table,
                  const Request& request, std::span<const double> thresholds);

}  // namespace maxdot::search
