#include "commands/id_lists.hpp"

#include <algorithm>

#include "console/console.hpp"
#include "console/failure.hpp"
#include "maxdot/evaluate.hpp"

namespace maxdot::tools {

// Pairs from one file, or CSR from two.
OwnedIdLists read_lists(const std::string& path, const std::string& ids_path, std::size_t users,
                        const PairColumns& columns) {
  if (ids_path.empty()) {
    return blaming(path, [&] {
      const IdPairs pairs = read_id_pairs(path, columns);
      return evaluate::lists_from_pairs(pairs.first, pairs.second, users);
    });
  }
  OwnedIdLists lists;
  lists.offsets = blaming(path, [&] { return read_ids(path); });
  lists.ids = blaming(ids_path, [&] { return read_ids(ids_path); });
  if (lists.offsets.size() != users + 1) {
    throw Failure(ExitCode::bad_data, path + ": holds " + with_thousands(lists.offsets.size()) +
                                          " offsets but " + with_thousands(users) +
                                          " users need one more than there are users; give "
                                          "every user a list, which may be empty");
  }
  const bool rising = std::is_sorted(lists.offsets.begin(), lists.offsets.end());
  if (lists.offsets.front() != 0 || !rising ||
      static_cast<std::uint64_t>(lists.offsets.back()) != lists.ids.size()) {
    throw Failure(
        ExitCode::bad_data,
        path + ": offsets must start at 0, never fall, and end at the number of ids, which is " +
            with_thousands(lists.ids.size()) + " in " + ids_path);
  }
  return lists;
}

std::vector<std::uint8_t> read_mask(const std::string& path, std::size_t items) {
  std::vector<std::uint8_t> mask = blaming(path, [&] { return maxdot::read_mask(path); });
  if (mask.size() != items) {
    throw Failure(ExitCode::bad_data, path + ": holds " + with_thousands(mask.size()) +
                                          " values but the index has " + with_thousands(items) +
                                          " items; give one for each row");
  }
  return mask;
}

IdLists ListSlice::of(const OwnedIdLists& lists, std::size_t begin, std::size_t count) {
  if (lists.offsets.empty()) return {};
  const std::int64_t first = lists.offsets[begin];
  offsets_.resize(count + 1);
  for (std::size_t i = 0; i <= count; ++i) offsets_[i] = lists.offsets[begin + i] - first;
  return {offsets_, std::span(lists.ids).subspan(static_cast<std::size_t>(first),
                                                 static_cast<std::size_t>(offsets_[count]))};
}

}  // namespace maxdot::tools
