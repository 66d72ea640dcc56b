// Sorted lists of results, merged: of shards, or of a user's interests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "search/collect/top_k.hpp"

namespace maxdot::search {

/// Results in the order of Better, in the caller's arrays.
struct SortedList {
  const std::int64_t* ids;
  const double* keys;
  std::size_t size;

  Entry at(std::size_t i) const noexcept { return {keys[i], ids[i]}; }
};

/// Up to `k` of the best entries of `lists`, in order: those that `accept(entry)` takes. Requires
/// two places for each list in `heads`. Returns how many there are. O(entries read · log lists).
template <typename Accept>
std::size_t merge_lists(std::span<const SortedList> lists, std::size_t k, std::size_t* heads,
                        Entry* out, Accept&& accept) noexcept {
  // The lists that are not at their end, as a heap by their next entries.
  std::size_t* heap = heads + lists.size();
  std::size_t size = 0;
  for (std::size_t l = 0; l < lists.size(); ++l) {
    heads[l] = 0;
    if (lists[l].size != 0) heap[size++] = l;
  }
  const auto after = [&](std::size_t a, std::size_t b) {
    return Better()(lists[b].at(heads[b]), lists[a].at(heads[a]));
  };
  std::make_heap(heap, heap + size, after);
  std::size_t count = 0;
  while (count < k && size != 0) {
    std::pop_heap(heap, heap + size, after);
    const std::size_t best = heap[size - 1];
    const Entry entry = lists[best].at(heads[best]++);
    if (accept(entry)) out[count++] = entry;
    if (heads[best] == lists[best].size) {
      --size;
    } else {
      std::push_heap(heap, heap + size, after);
    }
  }
  return count;
}

}  // namespace maxdot::search
