// Sets of rows and of ids, and the map of ids: what they hold, and that no choice makes them slow.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "base/hash.hpp"
#include "search/collect/id_set.hpp"
#include "search/filter/row_set.hpp"
#include "store/id_map.hpp"
#include "support.hpp"

using namespace maxdot;

TEST_CASE("a set of rows holds what was inserted, as a table and as bits") {
  for (const std::size_t items :
       {std::size_t{1}, std::size_t{63}, std::size_t{1000}, std::size_t{1} << 20}) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{3000}}) {
      std::vector<std::uint32_t> memory(search::RowSet::words(count, items) + 1, 0xABABABABU);
      search::RowSet set(memory.data(), count, items);
      std::set<std::uint32_t> right;
      test::Random random(items + count);
      for (std::size_t i = 0; i < count; ++i) {
        const auto row = static_cast<std::uint32_t>(i % 3 == 0 ? i % items : random.below(items));
        set.insert(row);
        right.insert(row);
      }
      std::multiset<std::uint32_t> visited;
      set.for_each([&](std::uint32_t row) { visited.insert(row); });
      REQUIRE(std::equal(visited.begin(), visited.end(), right.begin(), right.end()));
      for (std::uint32_t row = 0; row < std::min<std::size_t>(items, 5000); ++row) {
        REQUIRE(set.contains(row) == (right.count(row) != 0));
      }
      REQUIRE(memory.back() == 0xABABABABU);
    }
  }
}

namespace {

/// The longest row of used slots in a table of linear probing: no look-up visits more.
template <typename Slot>
std::size_t longest_walk(const std::vector<Slot>& slots, Slot empty) {
  std::size_t longest = 0;
  std::size_t walk = 0;
  for (std::size_t i = 0; i < 2 * slots.size() && longest < slots.size();
       ++i) {  // twice: a walk may pass the end
    walk = slots[i % slots.size()] == empty ? 0 : walk + 1;
    longest = std::max(longest, walk);
  }
  return longest;
}

// Half full tables of these sizes have walks of some 100 slots; the chance of this many is below
// 2^-100.
constexpr std::size_t kLongWalk = 600;

}  // namespace

TEST_CASE("no choice of rows makes the look-ups of a set of rows walk far") {
  constexpr std::size_t items = 2'000'000;
  constexpr std::size_t count = 16'000;
  const auto walk_of = [](const std::vector<std::uint32_t>& rows) {
    std::vector<std::uint32_t> memory(search::RowSet::words(rows.size(), items));
    search::RowSet set(memory.data(), rows.size(), items);
    for (const std::uint32_t row : rows) set.insert(row);
    return longest_walk(memory, 0xFFFFFFFFU);
  };
  std::vector<std::uint32_t> all(items);
  for (std::uint32_t row = 0; row < items; ++row) all[row] = row;
  const auto first_by = [&](auto hash) {
    std::vector<std::uint32_t> rows = all;
    std::nth_element(rows.begin(), rows.begin() + count, rows.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return hash(a) < hash(b); });
    rows.resize(count);
    return rows;
  };
  // An attacker's rows for the hashes that are well known, and rows as catalogues have them.
  CHECK(walk_of(first_by([](std::uint32_t row) { return row; })) < kLongWalk);
  CHECK(walk_of(first_by([](std::uint32_t row) { return row % 125 << 21 | row; })) < kLongWalk);
  CHECK(walk_of(first_by([](std::uint32_t row) { return row * 0x9E3779B1U; })) < kLongWalk);
  CHECK(walk_of(first_by([](std::uint32_t row) { return base::mix(row, 0); })) < kLongWalk);
}

TEST_CASE("no choice of ids makes the look-ups of a set of ids walk far") {
  constexpr std::size_t count = 8'000;
  std::vector<std::int64_t> memory(search::IdSet::slots(count));
  const auto walk_of = [&](auto id_of) {
    search::IdSet set(memory.data(), count);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(set.insert(id_of(i)));
    for (std::size_t i = 0; i < count; i += 97) REQUIRE_FALSE(set.insert(id_of(i)));
    return longest_walk(memory, std::int64_t{-1});
  };
  CHECK(walk_of([](std::size_t i) { return static_cast<std::int64_t>(i); }) < kLongWalk);
  CHECK(walk_of([](std::size_t i) { return static_cast<std::int64_t>(i << 40); }) < kLongWalk);
  // Products with 2^64 / golden ratio whose upper halves are equal, by the inverse of that factor.
  CHECK(walk_of([](std::size_t i) {
          std::uint64_t inverse = 1;
          for (int step = 0; step < 6; ++step) inverse *= 2 - 0x9E3779B97F4A7C15U * inverse;
          return static_cast<std::int64_t>((i * inverse & ~std::uint64_t{0} >> 1));
        }) < kLongWalk);
}

TEST_CASE("a map of ids finds each row and nothing else") {
  const std::vector<std::int64_t> ids = {0,       5,       std::numeric_limits<std::int64_t>::max(),
                                         1 << 20, 2 << 20, 3 << 20};
  const store::IdMap map(ids.data(), ids.size());
  for (std::size_t row = 0; row < ids.size(); ++row) CHECK(map.find(ids[row]) == row);
  for (const std::int64_t id : {std::int64_t{1}, std::int64_t{-1}, std::int64_t{4} << 20}) {
    CHECK(map.find(id) == store::kNoRow);
  }
  CHECK(store::IdMap(nullptr, 0).find(3) == store::kNoRow);
}
