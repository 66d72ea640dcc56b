// Lists of item ids from files, one list for each user.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

/// Lists for `users` users: from pairs (row of the user, item id) in `path`, in the columns named,
/// or, if `ids_path` names a file, CSR offsets in `path` and ids in `ids_path`. Throws Failure.
OwnedIdLists read_lists(const std::string& path, const std::string& ids_path, std::size_t users,
                        const PairColumns& columns);

/// 0 or 1 for each of `items` rows, from a 1-D .npy of integers or one number a line. Throws
/// Failure.
std::vector<std::uint8_t> read_mask(const std::string& path, std::size_t items);

/// The lists of users [begin, begin + count): CSR arrays must start at 0, so offsets are copied and
/// shifted.
class ListSlice {
 public:
  IdLists of(const OwnedIdLists& lists, std::size_t begin, std::size_t count);

 private:
  std::vector<std::int64_t> offsets_;
};

}  // namespace maxdot::tools
