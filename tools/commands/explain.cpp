#include "commands/explain.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "maxdot/machine.hpp"

namespace maxdot::tools {
namespace {

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g %%",
                100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

}  // namespace

void print_explanation(const Index& index, const SearchStats& stats, double seconds) {
  const std::uint64_t pairs = stats.queries * index.size();
  print("\nWhat the search did\n");
  print_fields({
      {"kernels", kernel_name()},
      {"read as 4-bit codes", with_thousands(stats.tiles_4bit) + " tiles of 64 items"},
      {"read as 5 to 8 bits",
       with_thousands(stats.tiles_8bit) + " tiles (once for a block of queries)"},
      {"read as rows", with_thousands(stats.tiles_f32) + " tiles"},
      {"queries by rows", with_thousands(stats.queries_by_f32) +
                              " (few items, a large k, or codes that tell too little)"},
      {"queries by list",
       with_thousands(stats.queries_by_list) + " (a filter lets few items through)"},
      {"queries repeated",
       with_thousands(stats.queries_repeated) + " (the guessed threshold could not be proven)"},
      {"pairs", with_thousands(pairs) + " of a query and an item"},
      {"candidates", with_thousands(stats.candidates) + " passed the integer limit (" +
                         share(stats.candidates, pairs) + ")"},
      {"refined", with_thousands(stats.refined) + " of them, left by 4 to 6 bits, by all 8"},
      {"rescored", with_thousands(stats.rescored) + " in f64 (" + share(stats.rescored, pairs) +
                       "): all others are proven out"},
      {"bytes", human_bytes(stats.bytes_read) + ", " +
                    human_bytes(static_cast<std::uint64_t>(static_cast<double>(stats.bytes_read) /
                                                           seconds)) +
                    "/s"},
      {"time", human_seconds(seconds)},
  });
}

Json explanation_json(const SearchStats& stats) {
  Json document = {{"kernels", kernel_name()}};
  for (const SearchStatsField& field : search_stats_fields)
    document[field.name] = stats.*field.value;
  return document;
}

}  // namespace maxdot::tools
