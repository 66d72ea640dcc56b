#include "commands/evaluate_report.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "console/console.hpp"

namespace maxdot::tools {
namespace {

using evaluate::AtK;
using evaluate::RechubMetric;
using evaluate::Values;

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4f", value);
  return text;
}

std::string line_of(const std::string& title, std::size_t width, const Values& values,
                    const std::optional<double>& coverage) {
  std::string line = padded(title, width);
  for (const evaluate::ValueField& field : evaluate::value_fields)
    line += padded(four_digits(values.*field.value), 11);
  return line + (coverage ? padded(four_digits(*coverage), 11) : "") + "\n";
}

/// The shortest digits that mean this value, as in JSON; "nan" is what NumPy, pandas and awk read.
std::string all_digits(double value) {
  if (std::isnan(value)) return "nan";
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

/// One line for each user and k, with tabs, so that programs can read it.
void print_users(const std::vector<AtK>& at) {
  if (at.empty() || at.front().users.empty()) return;
  std::string header = "\nuser\tk";
  for (const evaluate::ValueField& field : evaluate::value_fields)
    header.append("\t").append(field.name);
  print(header + "\n");
  for (std::size_t user = 0; user < at.front().users.size(); ++user) {
    for (const AtK& row : at) {
      std::string line = std::to_string(user) + "\t" + std::to_string(row.k);
      for (const evaluate::ValueField& field : evaluate::value_fields)
        line.append("\t").append(all_digits(row.users[user].*field.value));
      print(line + "\n");
    }
  }
}

/// Ranks of the items that have one, ascending.
std::vector<std::int64_t> known_ranks(const std::vector<std::int64_t>& ranks) {
  std::vector<std::int64_t> known;
  std::copy_if(ranks.begin(), ranks.end(), std::back_inserter(known),
               [](std::int64_t rank) { return rank > 0; });
  std::sort(known.begin(), known.end());
  return known;
}

void print_ranks(const std::vector<std::int64_t>& ranks) {
  const std::vector<std::int64_t> known = known_ranks(ranks);
  print("\n");
  if (known.empty()) {
    print("no relevant item has a rank\n");
    return;
  }
  const auto at = [&](std::size_t percent) {
    return with_thousands(static_cast<std::uint64_t>(known[(known.size() - 1) * percent / 100]));
  };
  print_fields({{"ranked", with_thousands(known.size()) + " of " + with_thousands(ranks.size()) +
                               " relevant items"},
                {"best rank", at(0)},
                {"quartiles", at(25) + ", " + at(50) + ", " + at(75)},
                {"worst rank", at(100)}});
}

Json values_json(const Values& values) {
  Json object = Json::object();
  for (const evaluate::ValueField& field : evaluate::value_fields)
    object[field.name] = values.*field.value;
  return object;
}

Json rechub_json(const AtK& at) {
  return {evaluate::rechub_text(RechubMetric::ndcg, at.k, at.mean.ndcg),
          evaluate::rechub_text(RechubMetric::mrr, at.k, at.mean.mrr),
          evaluate::rechub_text(RechubMetric::recall, at.k, at.mean.recall),
          evaluate::rechub_text(RechubMetric::hit, at.k, at.mean.hit),
          evaluate::rechub_text(RechubMetric::precision, at.k, at.mean.precision)};
}

Json at_json(const AtK& at, evaluate::Convention convention) {
  Json object = {{"k", at.k}};
  object.update(values_json(at.mean));
  object["coverage"] = at.coverage ? Json(*at.coverage) : Json();
  if (at.low) object["low"] = values_json(*at.low);
  if (at.high) object["high"] = values_json(*at.high);
  if (convention == evaluate::Convention::rechub) object["rechub"] = rechub_json(at);
  if (!at.users.empty()) {
    Json users = Json::array();
    for (const Values& values : at.users) users.push_back(values_json(values));
    object["users"] = std::move(users);
  }
  return object;
}

Json ranks_json(const std::vector<std::int64_t>& ranks, const evaluate::IdLists& relevant) {
  Json list = Json::array();
  for (std::size_t user = 0; user < relevant.size(); ++user) {
    const std::span<const std::int64_t> ids = relevant.of(user);
    const auto first = static_cast<std::size_t>(relevant.offsets[user]);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::int64_t rank = ranks[first + i];
      list.push_back({{"user", user}, {"id", ids[i]}, {"rank", rank > 0 ? Json(rank) : Json()}});
    }
  }
  return list;
}

}  // namespace

void print_report(const Evaluation& evaluation) {
  const evaluate::Report& report = evaluation.report;
  print_fields({{"users", with_thousands(report.users) + ", " + with_thousands(report.evaluated) +
                              " evaluated"},
                {"items", with_thousands(evaluation.items)},
                {"metric", to_string(evaluation.metric)},
                {"convention", evaluate::to_string(report.convention)},
                {"time", human_seconds(evaluation.seconds)}});
  // Named by the share that the interval covers, so that the table can be read alone.
  char share[32];
  std::snprintf(share, sizeof(share), "%g %%", 100.0 * evaluation.confidence);
  const bool intervals = !report.at.empty() && report.at.front().low;
  const std::string low = std::string(share) + " low";
  const std::string high = std::string(share) + " high";
  const std::size_t width = intervals ? std::max<std::size_t>(8, high.size()) : 8;
  std::string header = "\n";
  header += padded("k", width);
  for (const evaluate::ValueField& field : evaluate::value_fields) header += padded(field.name, 11);
  print(header + padded("coverage", 11) + "\n");
  for (const AtK& at : report.at) {
    print(line_of(std::to_string(at.k), width, at.mean, at.coverage));
    if (at.low) print(line_of(low, width, *at.low, std::nullopt));
    if (at.high) print(line_of(high, width, *at.high, std::nullopt));
  }
  if (intervals) {
    print("\nlow, high: the ends of the " + std::string(share) +
          " bootstrap interval over users\n");
  }
  if (evaluation.ranks) print_ranks(*evaluation.ranks);
  print_users(report.at);
}

Json json_report(const Evaluation& evaluation, const evaluate::IdLists& relevant) {
  const evaluate::Report& report = evaluation.report;
  Json document = {{"index", evaluation.index_path},
                   {"users_file", evaluation.users_path},
                   {"users", report.users},
                   {"evaluated", report.evaluated},
                   {"items", evaluation.items},
                   {"metric", to_string(evaluation.metric)},
                   {"convention", evaluate::to_string(report.convention)},
                   {"seconds", evaluation.seconds}};
  if (!report.at.empty() && report.at.front().low) document["confidence"] = evaluation.confidence;
  Json rows = Json::array();
  for (const AtK& at : report.at) rows.push_back(at_json(at, report.convention));
  document["at"] = std::move(rows);
  if (evaluation.ranks) document["ranks"] = ranks_json(*evaluation.ranks, relevant);
  return document;
}

}  // namespace maxdot::tools
