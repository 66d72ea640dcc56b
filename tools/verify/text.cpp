#include "verify/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "verify/report.hpp"

namespace maxdot::tools {
namespace {

constexpr std::array<const char*, 3> kMetricNames = {"max dot product", "max cosine",
                                                     "min Euclidean distance"};

std::string formatted(const char* format, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string place_text(const Comparison& comparison) {
  if (!comparison.first) return "";
  const Place& place = *comparison.first;
  return "    first: query " + with_thousands(place.query) + ", position " +
         with_thousands(place.position + 1) + ": item " + std::to_string(place.left_id) + " with " +
         human_score(place.left_score) + ", expected item " + std::to_string(place.right_id) +
         " with " + human_score(place.right_score) + "\n";
}

std::string truth_table(const std::array<Comparison, 3>& comparisons) {
  Table table;
  table.add({"maxdot against the truth", "positions", "wrong"});
  for (std::size_t m = 0; m < comparisons.size(); ++m) {
    table.add({std::string("  ") + kMetricNames[m], with_thousands(comparisons[m].positions),
               with_thousands(comparisons[m].wrong())});
  }
  std::string text = table.text();
  for (const Comparison& comparison : comparisons) text += place_text(comparison);
  return text;
}

std::string head(const VerifyReport& report) {
  const double products = static_cast<double>(report.items) * static_cast<double>(report.queries) *
                          static_cast<double>(report.dimension);
  std::string queries = plural(report.queries, "query", "queries");
  if (report.queries_path.empty()) {
    queries += ": items of the same file (no query file was given)";
  } else {
    queries += " from " + printable(report.queries_path);
  }
  queries += report.queries < report.query_rows
                 ? ", drawn at random from " + with_thousands(report.query_rows) + " with seed " +
                       std::to_string(report.seed)
                 : ", all of them";
  std::string text = "What was checked\n";
  text += "  Items:   " + plural(report.items, "row", "rows") + " of " +
          with_thousands(report.dimension) + " numbers from " + printable(report.items_path) + "\n";
  text += "  Queries: " + queries + "\n";
  text +=
      "  judge::Truth:   every query against every item in 64-bit arithmetic (" +
      scientific(products) +
      " products), by code that\n"
      "           shares nothing with maxdot's search and that was compared with the specification "
      "on " +
      with_thousands(report.self_check_pairs) + "\n           pairs: " +
      (report.self_check_wrong == 0 ? "no difference"
                                    : with_thousands(report.self_check_wrong) + " differ") +
      ". Sums of higher precision " +
      (report.keys_denied == 0 ? "confirm all " + with_thousands(report.keys_confirmed)
                               : "DENY " + with_thousands(report.keys_denied)) +
      " scores of the truth.\n           For equal scores the smaller row number comes first.\n";
  if (report.k < report.k_asked) {
    text += "  Depth:   top " + with_thousands(report.k) + ", because there are no more items (" +
            with_thousands(report.k_asked) + " were asked for)\n";
  }
  if (report.zero_items + report.zero_queries > 0) {
    text += "  Zeros:   " + plural(report.zero_items, "item", "items") + " and " +
            plural(report.zero_queries, "query", "queries") +
            " are all zero. They have no direction: maxdot gives them cosine 0;\n"
            "           FAISS has no such rule, so on unit vectors it is judged without them.\n";
  }
  return text;
}

std::string unit_section(const VerifyReport& report) {
  std::string text =
      "\n1. Rows as unit vectors (each row divided by its length)\n"
      "  Here the largest dot product, the largest cosine and the smallest Euclidean distance are "
      "one and the "
      "same\n"
      "  ranking, because distance squared = 2 - 2 * cosine.\n\n";
  text += truth_table(report.unit_truth);
  text += "  \"Wrong\" counts every other item and every score that differs in a single bit.\n";
  const std::uint64_t apart = report.unit_rankings[0].wrong() + report.unit_rankings[1].wrong();
  text += apart == 0 ? "  maxdot's three rankings agree at every position.\n"
                     : "  maxdot's three rankings DISAGREE at " +
                           plural(apart, "position", "positions") + ".\n";
  const Geometry& geometry = report.geometry;
  text +=
      "  Squared distances taken the long way, coordinate by coordinate, confirm the " +
      with_thousands(geometry.pairs) + " results: they\n  differ by at most " +
      scientific(geometry.largest) + " (64-bit rounding allows " + scientific(geometry.allowed) +
      ")" +
      (geometry.outside == 0 ? ""
                             : "; NOT SO for " + plural(geometry.outside, "result", "results")) +
      ".\n";
  if (report.faiss) text.append("\n").append(faiss_unit_text(*report.faiss, report.k));
  return text;
}

std::string raw_section(const VerifyReport& report) {
  std::string text = "\n2. Rows as they are in the file\n";
  text += report.already_unit()
              ? "  They are unit vectors already (lengths within " + scientific(report.norm_error) +
                    " of 1), so the metrics hardly differ.\n\n"
              : "  They are not unit vectors, so each metric has its own ranking, and each must be "
                "exact.\n\n";
  text += truth_table(report.raw_truth);
  text += "\n";
  Table pairs;
  pairs.add({"How much the metrics agree", "same items in the top " + with_thousands(report.k),
             "same position"});
  for (const MetricPair& pair : report.raw_pairs) {
    pairs.add({std::string("  ") + to_string(pair.left) + " and " + to_string(pair.right),
               percent(pair.overlap), percent(pair.same_positions)});
  }
  text += pairs.text();
  if (report.raw_example) {
    const MetricExample& example = *report.raw_example;
    text += "  For example, query row " + with_thousands(example.query) +
            ": the best item is row " + std::to_string(example.best[0]) + " by dot product, " +
            std::to_string(example.best[1]) + " by cosine, " + std::to_string(example.best[2]) +
            " by distance.\n";
  }
  if (report.faiss) text.append("\n").append(faiss_raw_text(*report.faiss));
  return text;
}

std::string same_or_not(const Comparison& comparison) {
  if (comparison.wrong() == 0)
    return "identical, bit for bit (" + with_thousands(comparison.positions) + " results)\n";
  return with_thousands(comparison.wrong()) + " of " + with_thousands(comparison.positions) +
         " results DIFFER\n" + place_text(comparison);
}

std::string repeat_section(const VerifyReport& report) {
  return "\n3. The same answer in other circumstances (maxdot, rows as they are, all three "
         "metrics)\n"
         "  1 thread and " +
         with_thousands(report.many_threads) + " threads: " + same_or_not(report.one_thread) +
         "  " + plural(report.asked_alone, "query", "queries") +
         " one at a time and in one batch: " + same_or_not(report.alone);
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> width;
  for (const auto& row : rows_) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  std::string result;
  for (const auto& row : rows_) {
    result += "  ";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string gap(width[c] - row[c].size(), ' ');
      result += c == 0 ? row[c] + gap : "  " + gap + row[c];
    }
    result += "\n";
  }
  return result;
}

std::string plural(std::uint64_t count, const std::string& noun, const std::string& nouns) {
  return with_thousands(count) + " " + (count == 1 ? noun : nouns);
}

std::string scientific(double value) { return value == 0.0 ? "0" : formatted("%.1e", value); }
std::string share(double value) { return formatted("%.5f", std::floor(value * 1e5) / 1e5); }
std::string percent(double value) { return formatted("%.2f %%", std::floor(value * 1e4) / 1e2); }

std::string text_report(const VerifyReport& report) {
  std::string text = verdict(report) + "\n\n" + head(report);
  if (!report.faiss) {
    text +=
        "  FAISS:   left out, because maxdot_faiss.so beside this command, which runs it, is "
        "missing or cannot "
        "be "
        "loaded.\n"
        "           To include it, install FAISS and a BLAS (Debian: apt install libfaiss-dev "
        "libopenblas-dev) "
        "and "
        "build\n           maxdot again.\n";
  }
  return text + unit_section(report) + raw_section(report) + repeat_section(report) + "\nTook " +
         human_seconds(report.seconds) + ".\n";
}

}  // namespace maxdot::tools
