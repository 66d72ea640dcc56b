// RowLookup: from item ids to rows.
#pragma once

#include <cstdint>

namespace maxdot::store {

/// No item has this row.
inline constexpr std::uint32_t kNoRow = 0xFFFFFFFFU;

class RowLookup {
 public:
  /// The row that has `id`, or kNoRow.
  virtual std::uint32_t find(std::int64_t id) const noexcept = 0;

 protected:
  RowLookup() = default;
  RowLookup(const RowLookup&) = default;
  RowLookup& operator=(const RowLookup&) = default;
  ~RowLookup() = default;
};

}  // namespace maxdot::store
