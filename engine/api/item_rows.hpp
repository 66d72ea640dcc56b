// From item ids to rows of an index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "api/index_parts.hpp"

namespace maxdot::api {

inline constexpr std::size_t kUnknownRow = static_cast<std::size_t>(-1);

/// The row of each id, kUnknownRow for one that the items do not hold. O(ids), and once O(items)
/// for an index with ids of its own.
std::vector<std::size_t> find_rows(const api::IndexParts& index, std::span<const std::int64_t> ids);

enum class Padding { refused, allowed };

/// The same, but throws Error (invalid_data) for an id that the items do not hold, calling the list
/// `name`; where padding is allowed, -1 gives kUnknownRow.
std::vector<std::size_t> rows_of(const api::IndexParts& index, const char* name,
                                 std::span<const std::int64_t> ids, Padding padding);

}  // namespace maxdot::api
