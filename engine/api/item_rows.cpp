#include "api/item_rows.hpp"

#include <string>
#include <unordered_map>

#include "maxdot/error.hpp"

namespace maxdot::api {

std::vector<std::size_t> find_rows(const store::ItemStore& items, std::span<const std::int64_t> ids) {
  std::vector<std::size_t> rows(ids.size(), kUnknownRow);
  if (items.ids == nullptr) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] >= 0 && static_cast<std::uint64_t>(ids[i]) < items.items)
        rows[i] = static_cast<std::size_t>(ids[i]);
    }
    return rows;
  }
  // Only the ids that are asked for go into the table: they are often few, and the items many.
  std::unordered_map<std::int64_t, std::size_t> known;
  for (const std::int64_t id : ids) known.emplace(id, kUnknownRow);
  for (std::size_t row = 0; row < items.items; ++row) {
    const auto found = known.find(items.ids[row]);
    if (found != known.end()) found->second = row;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) rows[i] = known.find(ids[i])->second;
  return rows;
}

std::vector<std::size_t> rows_of(const store::ItemStore& items, const char* name,
                                 std::span<const std::int64_t> ids, Padding padding) {
  std::vector<std::size_t> rows = find_rows(items, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (rows[i] != kUnknownRow || (padding == Padding::allowed && ids[i] == -1)) continue;
    throw Error(ErrorCode::invalid_data, std::string(name) + ": element " + std::to_string(i) + " is " +
                                             std::to_string(ids[i]) +
                                             ", which is no item of the index; give ids that it holds");
  }
  return rows;
}

}  // namespace maxdot::api
