// Kinds of rows that an exact search may stumble over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "random.hpp"

namespace fuzz {

/// Packed rows that are being made.
struct Values {
  Values(std::size_t r, std::size_t c) : rows(r), cols(c), values(r * c) {}
  float* row(std::size_t r) noexcept { return values.data() + r * cols; }
  const float* row(std::size_t r) const noexcept { return values.data() + r * cols; }

  std::size_t rows;
  std::size_t cols;
  std::vector<float> values;
};

/// `world` determines what all rows of a case share, such as centres of clusters, so that queries
/// lie among items. Values may be infinite where a scale overflows; make() cuts them.
struct Distribution {
  const char* name;
  void (*fill)(Values& out, std::uint64_t world, Random& random);
};

std::span<const Distribution> distributions();

/// Finite rows.
Values make(const Distribution& distribution, std::size_t rows, std::size_t cols,
            std::uint64_t world, Random& random);

}  // namespace fuzz
