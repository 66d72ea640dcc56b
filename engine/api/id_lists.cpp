#include "api/id_lists.hpp"

#include <cstdint>
#include <string>

#include "maxdot/error.hpp"

namespace maxdot::api {

void check_lists(const IdLists& lists, const char* name) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + ": " + what +
                    "; offsets start at 0, never fall, and end at the number of ids");
  };
  if (lists.offsets.empty()) {
    if (!lists.ids.empty()) refuse("there are ids but no offsets");
    return;
  }
  if (lists.offsets.front() != 0)
    refuse("the first offset is " + std::to_string(lists.offsets.front()));
  for (std::size_t user = 0; user < lists.size(); ++user) {
    if (lists.offsets[user + 1] < lists.offsets[user]) {
      refuse("the offset after list " + std::to_string(user) + " is less than the one before");
    }
  }
  if (static_cast<std::uint64_t>(lists.offsets.back()) != lists.ids.size()) {
    refuse("the last offset is " + std::to_string(lists.offsets.back()) + " but there are " +
           std::to_string(lists.ids.size()) + " ids");
  }
}

void check_lists(const IdLists& lists, const char* name, std::size_t count, const char* owners) {
  check_lists(lists, name);
  if (lists.size() == count) return;
  throw Error(ErrorCode::invalid_argument,
              std::string(name) + ": has " + std::to_string(lists.size()) +
                  " lists, but there are " + std::to_string(count) + " " + owners +
                  "; give each one, which may be empty");
}

}  // namespace maxdot::api
