// Arguments of searches that more than one kind of catalogue takes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "maxdot/types.hpp"
#include "store/item_store.hpp"

namespace maxdot::api {

/// Threads for a search of `queries` queries: as many as are asked for, or, if that is left open,
/// those that pay. Throws Error (invalid_argument).
int search_threads(int requested, const store::ItemStore& items, std::size_t queries);

/// Whose interests these are: rows / per_user. Throws Error (invalid_argument).
std::size_t checked_users(const MatrixView& interests, std::size_t per_user);

/// One threshold for each query. Throws Error: invalid_argument (their number), invalid_data (NaN).
std::vector<double> checked_thresholds(std::span<const double> thresholds, std::size_t queries);

}  // namespace maxdot::api
