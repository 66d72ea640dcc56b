// Exact retrieval with items excluded for each user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "maxdot/evaluate.hpp"
#include "maxdot/index.hpp"

namespace maxdot::api {

/// The ids of the exact best k items of each user that are not in the user's list of `exclude`, [users, k],
/// padded with -1. Requires checked lists, one for each user, or no lists at all. Throws what Index::search
/// throws.
std::vector<std::int64_t> retrieve(const Index& index, const MatrixView& users, std::size_t k,
                                   const evaluate::IdLists& exclude, std::optional<Metric> metric, int threads);

}  // namespace maxdot::api
