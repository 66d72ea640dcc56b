// TileRows: the rows of the tiles that a scan of rows walks through, in memory or from the disk.
#pragma once

#include <algorithm>
#include <cstddef>

#include "search/scan/row_scratch.hpp"
#include "search/scan/scan_context.hpp"
#include "store/layout.hpp"

namespace maxdot::search {

class TileRows {
 public:
  /// Of tiles before `end_tile`.
  TileRows(const ScanContext& context, std::size_t end_tile, RowScratch& scratch) noexcept
      : items_(context.items),
        reads_(context.reads),
        scratch_(scratch),
        end_row_(std::min(context.items.items, store::first_of_tile(end_tile))) {}

  /// The first row of the tile; the others follow it. Null if it could not be read: the call then
  /// ends. Valid until the next call.
  const unsigned char* of(std::size_t tile) noexcept {
    const std::size_t first = store::first_of_tile(tile);
    if (reads_ == nullptr) return items_.row(first);
    if (first >= read_end_ || first < read_begin_) {
      if (!read(first)) return nullptr;
    }
    return scratch_.rows.data() + (first - read_begin_) * items_.row_bytes();
  }

 private:
  // Reads whole tiles, and announces those that follow.
  [[gnu::noinline]] bool read(std::size_t first) noexcept {
    const std::size_t most =
        scratch_.room(items_.row_bytes()) / kernels::kTileItems * kernels::kTileItems;
    read_begin_ = first;
    read_end_ = first;
    const std::size_t end = std::min(end_row_, first + most);
    if (!reads_->read(first, end - first, scratch_.rows.data())) return false;
    read_end_ = end;
    if (end < end_row_) reads_->will_need(end, std::min(most, end_row_ - end));
    return true;
  }

  const store::ItemStore& items_;
  store::RowReads* reads_;
  RowScratch& scratch_;
  std::size_t end_row_;
  std::size_t read_begin_ = 0;
  std::size_t read_end_ = 0;
};

}  // namespace maxdot::search
