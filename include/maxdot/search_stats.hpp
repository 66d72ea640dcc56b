// SearchStats: what a search did.
#pragma once

#include <array>
#include <cstdint>

namespace maxdot {
inline namespace v0_1 {

/// What a search did, for people who tune: how much was read and how sharply it was screened.
struct SearchStats {
  std::uint64_t queries = 0;
  /// Scanned as f32 rows: few items, a large k, or data that defeats the codes.
  std::uint64_t queries_by_f32 = 0;
  std::uint64_t queries_by_list = 0;  ///< scored item by item: a filter lets few items through
  /// Scanned twice because the guessed threshold could not be proven.
  std::uint64_t queries_repeated = 0;
  /// Tiles of 64 items read as 4-bit codes, counted once per block of queries.
  std::uint64_t tiles_4bit = 0;
  std::uint64_t tiles_8bit = 0;  ///< the same as codes of 5, 6 or 8 bits
  std::uint64_t tiles_f32 = 0;   ///< the same as rows
  std::uint64_t candidates = 0;  ///< (query, item) pairs that the integer comparison let through
  std::uint64_t refined = 0;     ///< of these, after 4 to 6 bits: pairs whose 8 bits were read
  std::uint64_t rescored = 0;  ///< of the candidates, and of the f32 screen's: pairs scored in f64
  /// By tiles, refined codes and rescored rows, from memory or from a cache.
  std::uint64_t bytes_read = 0;
};

/// The fields by name, for whoever adds, prints or exports them.
struct SearchStatsField {
  const char* name;
  std::uint64_t SearchStats::*value;
};
inline constexpr std::array<SearchStatsField, 11> search_stats_fields = {{
    {"queries", &SearchStats::queries},
    {"queries_by_f32", &SearchStats::queries_by_f32},
    {"queries_by_list", &SearchStats::queries_by_list},
    {"queries_repeated", &SearchStats::queries_repeated},
    {"tiles_4bit", &SearchStats::tiles_4bit},
    {"tiles_8bit", &SearchStats::tiles_8bit},
    {"tiles_f32", &SearchStats::tiles_f32},
    {"candidates", &SearchStats::candidates},
    {"refined", &SearchStats::refined},
    {"rescored", &SearchStats::rescored},
    {"bytes_read", &SearchStats::bytes_read},
}};
static_assert(sizeof(SearchStats) == search_stats_fields.size() * sizeof(std::uint64_t),
              "the table names every field of SearchStats");

}  // namespace v0_1
}  // namespace maxdot
