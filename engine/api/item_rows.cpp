#include "api/item_rows.hpp"

#include <string>

#include "maxdot/error.hpp"

namespace maxdot::api {

std::vector<std::size_t> find_rows(const api::IndexParts& index,
                                   std::span<const std::int64_t> ids) {
  const store::ItemStore& items = *index.items;
  std::vector<std::size_t> rows(ids.size(), kUnknownRow);
  const store::IdMap* own_ids = items.ids == nullptr ? nullptr : &index.id_map();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (own_ids != nullptr) {
      const std::uint32_t row = own_ids->find(ids[i]);
      if (row != store::kNoRow) rows[i] = row;
    } else if (ids[i] >= 0 && static_cast<std::uint64_t>(ids[i]) < items.items) {
      rows[i] = static_cast<std::size_t>(ids[i]);
    }
  }
  return rows;
}

std::vector<std::size_t> rows_of(const api::IndexParts& index, const char* name,
                                 std::span<const std::int64_t> ids, Padding padding) {
  std::vector<std::size_t> rows = find_rows(index, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (rows[i] != kUnknownRow || (padding == Padding::allowed && ids[i] == -1)) continue;
    throw Error(ErrorCode::invalid_data,
                std::string(name) + ": element " + std::to_string(i) + " is " +
                    std::to_string(ids[i]) +
                    ", which is no item of the index; give ids that it holds");
  }
  return rows;
}

}  // namespace maxdot::api
