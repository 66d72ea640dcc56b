// RowScratch: the memory in which one thread reads rows that stay on the disk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"

namespace maxdot::search {

/// An item that is to be scored for query q of a task.
struct RowPair {
  std::size_t row;
  std::uint32_t q;
};

// [pairs] Read together: the disk answers many reads at once faster than one after the other.
inline constexpr std::size_t kMostRowPairs = 4096;

// [bytes] Of neighbouring rows, read at once: as much as the system begins to read when it is asked
// to once.
inline constexpr std::size_t kRowRunBytes = std::size_t{128} << 10;

// [bytes] Rows no further apart are neighbours: between them lies less than what the disk reads
// anyway.
inline constexpr std::size_t kRowGapBytes = 4096;

struct RowScratch {
  base::AlignedBuffer<RowPair> pairs;
  base::AlignedBuffer<unsigned char> rows;

  /// Throws Error (out_of_memory).
  void reserve(std::size_t row_bytes);
  std::size_t bytes() const noexcept { return pairs.size() * sizeof(RowPair) + rows.size(); }
  /// So many rows fit.
  std::size_t room(std::size_t row_bytes) const noexcept { return rows.size() / row_bytes; }
};

}  // namespace maxdot::search
