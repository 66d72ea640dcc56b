// Filters that callers give, checked and made ready for the engine.

#include <pthread.h>

#include <mutex>
#include <new>
#include <string>

#include "api/id_lists.hpp"
#include "api/index_parts.hpp"
#include "base/entry.hpp"
#include "maxdot/error.hpp"

namespace maxdot::api {
namespace {

// One for all indexes: a table is made once, and rarely two at a time. A child that is forked
// meanwhile gets a new one, since no thread of it will ever unlock it.
alignas(std::mutex) unsigned char memory[sizeof(std::mutex)];
std::mutex& making_an_id_map() noexcept {
  return *std::launder(reinterpret_cast<std::mutex*>(memory));
}
[[maybe_unused]] const bool ready = [] {
  const auto make = []() noexcept { new (memory) std::mutex; };
  make();
  return pthread_atfork(nullptr, nullptr, make) == 0;
}();

}  // namespace

const store::IdMap& IndexParts::id_map() const {
  if (const store::IdMap* made = id_map_.load(std::memory_order_acquire)) return *made;
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
        const std::lock_guard lock(making_an_id_map());
        if (id_map_.load(std::memory_order_relaxed) != nullptr) return;
        id_map_.store(new store::IdMap(items->ids, items->items), std::memory_order_release);
      });
  return *id_map_.load(std::memory_order_relaxed);
}

search::FilterRequest checked_filters(const IndexParts& index, const Filters& filters,
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

}  // namespace maxdot::api
