// Fresh: a part that grows by the items that were put in last. They have no codes: a search scans
// their rows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "live/part.hpp"
#include "live/shape.hpp"
#include "maxdot/types.hpp"

namespace maxdot::live {

/// One thread writes, any number read the rows that were published to them.
class Fresh final : public Part {
 public:
  /// For up to `capacity` rows. Throws Error (out_of_memory), std::bad_alloc.
  Fresh(const Shape& shape, std::size_t capacity);

  std::size_t rows() const noexcept override { return rows_.load(std::memory_order_acquire); }
  store::ItemStore items(std::size_t rows) const noexcept override;
  bool has_codes() const noexcept override { return false; }
  std::int64_t id(std::size_t row) const noexcept override { return ids_[row]; }
  void prepare_to_find() const override {}
  std::uint32_t find(std::int64_t id, std::size_t rows) const noexcept override;

  std::size_t room() const noexcept { return ids_.size() - rows(); }
  /// Requires room, and a row of the shape.
  void append(std::int64_t id, const void* row) noexcept;

 private:
  std::size_t slot_of(std::int64_t id) const noexcept;

  Shape shape_;
  double (*dot64_)(const float* q, const void* x, std::size_t d) noexcept;
  base::AlignedBuffer<unsigned char> values_;
  std::vector<double> squares_;
  std::vector<std::int64_t> ids_;
  std::vector<float> scratch_;  // a row as f32
  std::atomic<double> largest_square_ = 0.0;
  std::atomic<std::size_t> rows_ = 0;
  // Open addressing, at most half full: the last row of an id, plus 1; 0: none. Rows of the same
  // id before it follow by older_.
  std::uint64_t secret_;
  std::vector<std::atomic<std::uint32_t>> slots_;
  std::vector<std::uint32_t> older_;
};

/// Finds among the rows that a reader may look at.
class VisibleRows final : public store::RowLookup {
 public:
  VisibleRows(const Part& part, std::size_t rows) noexcept : part_(part), rows_(rows) {}
  std::uint32_t find(std::int64_t id) const noexcept override { return part_.find(id, rows_); }

 private:
  const Part& part_;
  std::size_t rows_;
};

}  // namespace maxdot::live
