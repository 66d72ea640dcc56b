// Version: what a reader sees of a catalogue. It never changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "live/part.hpp"
#include "live/shape.hpp"

namespace maxdot::live {

/// No catalogue gets so far by 1 for each change; a file that says so is forged.
inline constexpr std::uint64_t kMostVersions = std::uint64_t{1} << 62;

struct VisiblePart {
  std::shared_ptr<const Part> part;
  std::size_t rows;  ///< of the part: the first so many
};

struct Version {
  std::uint64_t number = 0;
  Shape shape;
  std::size_t items = 0;  ///< that live
  std::vector<VisiblePart> parts;

  bool lives(const VisiblePart& visible, std::size_t row) const noexcept {
    return !visible.part->deaths().dead(row, number);
  }
};

}  // namespace maxdot::live
