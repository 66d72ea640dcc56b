// Lists of ids for tests of the evaluation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "maxdot/evaluate.hpp"
#include "support.hpp"

namespace maxdot::test {

using Lists = std::vector<std::vector<std::int64_t>>;

inline evaluate::OwnedIdLists to_csr(const Lists& lists) {
  evaluate::OwnedIdLists csr{{0}, {}};
  for (const auto& list : lists) {
    csr.ids.insert(csr.ids.end(), list.begin(), list.end());
    csr.offsets.push_back(static_cast<std::int64_t>(csr.ids.size()));
  }
  return csr;
}

inline Lists random_lists(std::size_t users, std::size_t longest, std::size_t items,
                          Random& random) {
  Lists lists(users);
  for (auto& list : lists) {
    for (std::size_t n = random.below(longest + 1); n > 0; --n) {
      list.push_back(static_cast<std::int64_t>(random.below(items)));
    }
  }
  return lists;
}

}  // namespace maxdot::test
