// Segment: a part that is an index file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "live/part.hpp"
#include "live/shape.hpp"
#include "maxdot/index.hpp"

namespace maxdot::live {

class Segment final : public Part {
 public:
  /// `number`: that of its file. Throws Error: unsupported (2^32 - 1 items or more),
  /// std::bad_alloc.
  Segment(Index index, std::uint64_t number);

  std::size_t rows() const noexcept override { return index_.size(); }
  store::ItemStore items(std::size_t rows) const noexcept override;
  bool has_codes() const noexcept override { return true; }
  std::int64_t id(std::size_t row) const noexcept override { return index_.item_id(row); }
  void prepare_to_find() const override;
  std::uint32_t find(std::int64_t id, std::size_t rows) const noexcept override;

  const Index& index() const noexcept { return index_; }
  std::uint64_t number() const noexcept { return number_; }
  /// The log that has a record of it; 0: none.
  std::uint64_t log() const noexcept { return log_; }
  void set_log(std::uint64_t log) noexcept { log_ = log; }

 private:
  Index index_;
  std::uint64_t number_;
  std::uint64_t log_ = 0;
};

/// The shape of the items of `index`.
Shape shape_of(const Index& index) noexcept;

}  // namespace maxdot::live
