// Sizes of a case: small enough for the oracle, of every kind that the planner tells apart.
#pragma once

#include <cstddef>

#include "random.hpp"

namespace fuzz {

struct Sizes {
  std::size_t items;
  std::size_t dimension;
  std::size_t queries;
  std::size_t k;
};

Sizes draw_sizes(Random& random);

}  // namespace fuzz
