// Filters that callers give, checked and made ready for the engine.

#include <string>

#include "api/id_lists.hpp"
#include "api/index_impl.hpp"
#include "base/entry.hpp"
#include "maxdot/error.hpp"

namespace maxdot {

const store::IdMap& Index::Impl::id_map() const {
  if (items->items >= store::kNoRow) {
    throw Error(ErrorCode::unsupported,
                "ids: the index has " + std::to_string(items->items) +
                    " items, and ids can be looked up below 2^32 - 1; split the catalogue");
  }
  base::entry(
      [this] {
        return "no memory for the table of " + std::to_string(items->items) +
               " item ids; 8 to 16 bytes for each";
      },
      [this] {
        std::call_once(id_map_once_, [this] {
          id_map_ = std::make_unique<store::IdMap>(items->ids, items->items);
        });
      });
  return *id_map_;
}

namespace api {

search::FilterRequest checked_filters(const Index::Impl& index, const Filters& filters,
                                      std::size_t count, const char* owners) {
  search::FilterRequest request = {filters};
  if (filters.empty()) return request;
  const store::ItemStore& items = *index.items;
  if (items.items >= store::kNoRow) {
    throw Error(ErrorCode::unsupported,
                "filters: the index has " + std::to_string(items.items) +
                    " items, and filters work below 2^32 - 1; split the catalogue");
  }
  if (!filters.exclude.absent()) check_lists(filters.exclude, "exclude", count, owners);
  if (!filters.allow.absent()) check_lists(filters.allow, "allow", count, owners);
  if (!filters.item_mask.empty() && filters.item_mask.size() != items.items) {
    throw Error(ErrorCode::invalid_argument,
                "item_mask: has " + std::to_string(filters.item_mask.size()) +
                    " values, but the index has " + std::to_string(items.items) +
                    " items; give one for each row");
  }
  if (items.ids != nullptr && (!filters.exclude.absent() || !filters.allow.absent()))
    request.rows_by_id = &index.id_map();
  return request;
}

}  // namespace api
}  // namespace maxdot
