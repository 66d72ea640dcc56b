// CodeScratch: the memory of one thread that scans codes. What each query of a task needs lies in
// arrays of its own kind: an array of structures would push the tile out of L1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "search/plan/plan.hpp"

namespace maxdot::search {

/// An item that its tile's limit let through, and that is judged later.
struct DeferredItem {
  float upper;  ///< at least its score
  std::int32_t product;
  std::uint32_t offset;  ///< of its position from the first of the task
};

struct CodeScratch {
  base::AlignedBuffer<std::uint8_t> tile;      ///< expanded codes
  base::AlignedBuffer<std::int32_t> products;  ///< [queries, 64]
  float thresholds[kMostCodeQueries];
  double reaches[kMostCodeQueries];
  double levels[kMostCodeQueries];
  double inverse_norms[kMostCodeQueries];
  std::int32_t limits[kMostCodeQueries];
  std::uint64_t masks[kMostCodeQueries];
  std::uint16_t found[kMostCodeQueries];
  std::uint8_t left[kMostCodeQueries];
  std::uint16_t leavers[kMostCodeQueries];
  base::AlignedBuffer<DeferredItem> deferred;
  std::uint32_t deferred_counts[kMostCodeQueries];
  base::AlignedBuffer<float> largest;

  /// Throws Error (out_of_memory).
  void reserve(std::size_t dimension, const Capacity& capacity);
  /// Of what depends on the call.
  std::size_t bytes() const noexcept;
};

}  // namespace maxdot::search
