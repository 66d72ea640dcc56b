#include "load_report.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "connection.hpp"

namespace maxdot::load {
namespace {

using tools::Json;

Json json_of(std::vector<double>& samples) {
  const Percentiles told = percentiles_of(samples);
  return {{"count", told.count}, {"p50", told.p50},   {"p90", told.p90},
          {"p99", told.p99},     {"p999", told.p999}, {"max", told.max}};
}

std::uint64_t others(const Outcome& outcome) {
  std::uint64_t count = 0;
  for (const auto& [status, answers] : outcome.statuses) {
    if (status != kNoAnswer && status != 200) count += answers;
  }
  return count - outcome.with(429) - outcome.with(503) - outcome.with(504);
}

}  // namespace

std::string table_head() {
  return " offered/s answered/s      429      503      504   others   failed unanswered   p50 ms   "
         "p90 ms   p99 ms p99.9 ms   max ms  refused p99   late p99    wrong\n";
}

std::string table_row(Outcome& outcome) {
  const Percentiles answered = percentiles_of(outcome.answered);
  const Percentiles refused = percentiles_of(outcome.refused);
  const Percentiles late = percentiles_of(outcome.late);
  const std::string offered =
      outcome.offered > 0 ? std::to_string(std::llround(outcome.offered)) : "closed";
  char line[256];
  const auto number = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
  const int length =
      std::snprintf(line, sizeof(line),
                    "%10s %10.0f %8llu %8llu %8llu %8llu %8llu %10llu %8.2f %8.2f %8.2f %8.2f "
                    "%8.2f %12.2f %10.2f "
                    "%8llu\n",
                    offered.c_str(), outcome.answered_per_second(), number(outcome.with(429)),
                    number(outcome.with(503)), number(outcome.with(504)), number(others(outcome)),
                    number(outcome.with(kNoAnswer)), number(outcome.unanswered), 1e3 * answered.p50,
                    1e3 * answered.p90, 1e3 * answered.p99, 1e3 * answered.p999, 1e3 * answered.max,
                    1e3 * refused.p99, 1e3 * late.p99, number(outcome.wrong));
  return std::string(line, static_cast<std::size_t>(std::max(length, 0)));
}

Json json_of(Outcome& outcome) {
  Json statuses = Json::object();
  for (const auto& [status, count] : outcome.statuses) {
    if (status != kNoAnswer) statuses[std::to_string(status)] = count;
  }
  return {{"offered_per_second", outcome.offered},
          {"seconds", outcome.seconds},
          {"requests", outcome.requests},
          {"answered_per_second", outcome.answered_per_second()},
          {"statuses", statuses},
          {"failed", outcome.with(kNoAnswer)},
          {"unanswered", outcome.unanswered},
          {"waited_for_a_connection", outcome.queued},
          {"wrong", outcome.wrong},
          {"answered", json_of(outcome.answered)},
          {"refused", json_of(outcome.refused)},
          {"late", json_of(outcome.late)}};
}

Json json_of(const Options& options, std::size_t queries) {
  return {{"server", options.server},
          {"body", options.text.empty() ? options.body : options.text},
          {"k", options.k},
          {"queries", queries},
          {"connections", options.connections},
          {"closed_connections", options.closed_connections},
          {"patience", options.patience},
          {"seed", options.seed}};
}

}  // namespace maxdot::load
