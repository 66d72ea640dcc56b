// IdMap: from item ids to rows, for an index with ids of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/row_lookup.hpp"

namespace maxdot::store {

class IdMap final : public RowLookup {
 public:
  /// Of `count` ids, which must stay where they are. O(count) whatever the ids, 8 to 16 bytes for
  /// each. Of an id that stands twice (in a file that nobody verified) the first row counts. Throws
  /// std::bad_alloc, and Error if the call shall end early. Requires count < kNoRow.
  IdMap(const std::int64_t* ids, std::size_t count);

  std::uint32_t find(std::int64_t id) const noexcept override;

 private:
  std::size_t slot_of(std::int64_t id) const noexcept;

  const std::int64_t* ids_;
  std::uint64_t secret_;
  std::size_t mask_;
  std::vector<std::uint32_t> rows_;  // open addressing, linear probing, at most half full
};

}  // namespace maxdot::store
