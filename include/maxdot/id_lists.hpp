// Lists of item ids, one for each query or user, in CSR form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace maxdot {
inline namespace v0_1 {

/// A list of item ids for each of size() users, in CSR form and in the caller's memory: user u has
/// ids[offsets[u] .. offsets[u + 1]). `offsets` starts at 0, never falls, and ends at ids.size().
struct IdLists {
  std::span<const std::int64_t> offsets = {};
  std::span<const std::int64_t> ids = {};

  /// Whether there are no lists at all (not: whether all lists are empty).
  bool absent() const noexcept { return offsets.empty() && ids.empty(); }
  std::size_t size() const noexcept { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::span<const std::int64_t> of(std::size_t user) const noexcept {
    return ids.subspan(static_cast<std::size_t>(offsets[user]),
                       static_cast<std::size_t>(offsets[user + 1] - offsets[user]));
  }
};

/// The same in memory of its own.
struct OwnedIdLists {
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> ids;
  operator IdLists() const noexcept { return {offsets, ids}; }
};

}  // namespace v0_1
}  // namespace maxdot
