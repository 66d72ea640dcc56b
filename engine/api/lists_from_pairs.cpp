#include <limits>
#include <new>
#include <string>
#include <vector>

#include "base/entry.hpp"
#include "maxdot/error.hpp"
#include "maxdot/evaluate.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace evaluate {

OwnedIdLists lists_from_pairs(std::span<const std::int64_t> users,
                              std::span<const std::int64_t> items, std::size_t user_count) {
  const auto no_memory = [&] {
    return "pairs: no memory for the lists of " + std::to_string(user_count) + " users and " +
           std::to_string(items.size()) + " items; number users from 0, without gaps";
  };
  return base::entry(no_memory, [&] {
    if (users.size() != items.size()) {
      throw Error(ErrorCode::invalid_argument, "pairs: " + std::to_string(users.size()) +
                                                   " users but " + std::to_string(items.size()) +
                                                   " items");
    }
    if (user_count >= std::numeric_limits<std::size_t>::max() / sizeof(std::int64_t))
      throw std::bad_alloc();
    OwnedIdLists lists{std::vector<std::int64_t>(user_count + 1),
                       std::vector<std::int64_t>(items.size())};
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (users[i] < 0 || static_cast<std::uint64_t>(users[i]) >= user_count) {
        throw Error(ErrorCode::invalid_data, "pair " + std::to_string(i) + ": there is no user " +
                                                 std::to_string(users[i]) + " among " +
                                                 std::to_string(user_count) +
                                                 "; users are rows, counted from 0");
      }
      ++lists.offsets[static_cast<std::size_t>(users[i]) + 1];
    }
    for (std::size_t user = 0; user < user_count; ++user)
      lists.offsets[user + 1] += lists.offsets[user];
    std::vector<std::int64_t> next(lists.offsets.begin(), lists.offsets.end() - 1);
    for (std::size_t i = 0; i < users.size(); ++i) {
      lists.ids[static_cast<std::size_t>(next[static_cast<std::size_t>(users[i])]++)] = items[i];
    }
    return lists;
  });
}

}  // namespace evaluate
}  // namespace v0_1
}  // namespace maxdot
