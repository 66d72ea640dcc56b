#include "live/merge_parts.hpp"

#include <cstring>

#include "base/stop.hpp"
#include "store/row_lookup.hpp"

namespace maxdot::live {
namespace {

// [rows] Between two looks whether the call shall end.
constexpr std::size_t kRowsPerLook = 4096;

}  // namespace

Gathered gather(const Sources& sources) {
  std::size_t count = 0;
  for (std::size_t p = 0; p < sources.parts.size(); ++p) count += sources.rows[p] - sources.dead[p];
  Gathered gathered = {Matrix(count, sources.shape.dimension, sources.shape.dtype), {}, {}};
  gathered.ids.reserve(count);
  const std::size_t row_bytes = sources.shape.row_bytes();
  auto* to = static_cast<unsigned char*>(gathered.rows.data());
  for (std::size_t p = 0; p < sources.parts.size(); ++p) {
    const Part& part = *sources.parts[p];
    const store::ItemStore items = part.items(sources.rows[p]);
    std::vector<std::uint32_t>& row_of =
        gathered.row_of.emplace_back(sources.rows[p], store::kNoRow);
    for (std::size_t row = 0; row < sources.rows[p]; ++row) {
      if (row % kRowsPerLook == 0) base::throw_if_stopped();
      if (part.deaths().dead(row, sources.version)) continue;
      row_of[row] = static_cast<std::uint32_t>(gathered.ids.size());
      std::memcpy(to + gathered.ids.size() * row_bytes, items.row(row), row_bytes);
      gathered.ids.push_back(part.id(row));
    }
  }
  return gathered;
}

}  // namespace maxdot::live
