// TileWalk: the tiles that a pass reads of a task's range, in order, and the tile to fetch
// meanwhile.
#pragma once

#include <algorithm>
#include <cstddef>

#include "search/scan/scan_context.hpp"

namespace maxdot::search {

class TileWalk {
 public:
  TileWalk(const Task& task, Pass pass, std::size_t sample_step) noexcept
      : end_(task.end_tile),
        pass_(pass),
        sample_step_(sample_step),
        sample_first_(sample_step / 2),
        step_(of_sample(pass) ? sample_step : 1),
        next_(task.first_tile) {
    if (of_sample(pass)) {
      next_ = (task.first_tile + sample_step - 1 - sample_first_) / sample_step * sample_step +
              sample_first_;
    }
  }

  /// Goes to the first tile to read, and to the one `ahead` tiles after it. `skips(tile)`: no item
  /// of it can matter.
  template <typename Skips>
  void begin(std::size_t ahead, const Skips& skips) noexcept {
    tile_ = read_from(next_, skips);
    later_ = tile_;
    for (std::size_t i = 0; i < ahead; ++i) later_ = read_from(later_ + step_, skips);
  }

  bool done() const noexcept { return tile_ >= end_; }
  std::size_t tile() const noexcept { return tile_; }
  /// The tile to fetch while tile() is read. It lies within the range.
  std::size_t later() const noexcept { return std::min(later_, end_ - 1); }

  template <typename Skips>
  void advance(const Skips& skips) noexcept {
    tile_ = read_from(tile_ + step_, skips);
    later_ = read_from(std::max(later_, tile_) + step_, skips);
  }

 private:
  static bool of_sample(Pass pass) noexcept { return pass == Pass::select || pass == Pass::sample; }
  bool in_sample(std::size_t tile) const noexcept { return tile % sample_step_ == sample_first_; }

  /// The first tile at or after `tile` that is read.
  template <typename Skips>
  std::size_t read_from(std::size_t tile, const Skips& skips) const noexcept {
    while (tile < end_ && ((pass_ == Pass::rest && in_sample(tile)) || skips(tile))) tile += step_;
    return tile;
  }

  std::size_t end_;
  Pass pass_;
  std::size_t sample_step_;
  std::size_t sample_first_;
  std::size_t step_;
  std::size_t next_;
  std::size_t tile_ = 0;
  std::size_t later_ = 0;
};

}  // namespace maxdot::search
