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

/// Up to `k` of the best entries of `lists`, in order: those that `accept(entry)` takes. `heads` has a place for each list.
/// Returns how many there are. O(entries read · lists).
template <typename Accept>
std::size_t merge_lists(std::span<const SortedList> lists, std::size_t k, std::size_t* heads, Entry* out,
                        Accept&& accept) noexcept {
  std::fill_n(heads, lists.size(), std::size_t{0});
  std::size_t count = 0;
  while (count < k) {
    std::size_t best = lists.size();
    for (std::size_t l = 0; l < lists.size(); ++l) {
      if (heads[l] == lists[l].size) continue;
      if (best == lists.size() || Better()(lists[l].at(heads[l]), lists[best].at(heads[best]))) best = l;
    }
    if (best == lists.size()) break;
    const Entry entry = lists[best].at(heads[best]++);
    if (accept(entry)) out[count++] = entry;
  }
  return count;
}

}  // namespace maxdot::search
