#include "live/part.hpp"

#include <algorithm>

namespace maxdot::live {

void Part::reserve_deaths(std::size_t more) {
  const std::size_t wanted = dead_rows_.size() + more;
  if (wanted > dead_rows_.capacity())
    dead_rows_.reserve(std::max(wanted, 2 * dead_rows_.capacity()));
}

void Part::kill(std::size_t row, std::uint64_t version) noexcept {
  deaths_.add(row, version);
  dead_rows_.push_back(static_cast<std::uint32_t>(row));
  dead_.store(dead_rows_.size(), std::memory_order_relaxed);
}

}  // namespace maxdot::live
