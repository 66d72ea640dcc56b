// From several parts to one: which items live, and the index of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "live/part.hpp"
#include "live/shape.hpp"
#include "maxdot/index.hpp"
#include "maxdot/matrix.hpp"

namespace maxdot::live {

/// Parts to be merged, as of one version.
struct Sources {
  Shape shape;
  std::uint64_t version = 0;
  std::vector<std::shared_ptr<Part>> parts;
  std::vector<std::size_t> rows;  ///< of each part
  std::vector<std::size_t> dead;  ///< of each part: deaths that the version has
};

/// The items of the sources that live in their version, and where each of the sources' rows is now
/// (store::kNoRow: nowhere).
struct Gathered {
  Matrix rows;
  std::vector<std::int64_t> ids;
  std::vector<std::vector<std::uint32_t>> row_of;  ///< [parts][rows]
};

/// Meanwhile more of them may die. Throws Error, std::bad_alloc. O(items * dimension).
Gathered gather(const Sources& sources);

}  // namespace maxdot::live
