// What `maxdot evaluate` says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "console/console.hpp"
#include "maxdot/evaluate.hpp"

namespace maxdot::tools {

struct Evaluation {
  std::string index_path;
  std::string users_path;
  std::size_t items = 0;
  Metric metric = Metric::cosine;
  double confidence = 0.95;
  double seconds = 0;
  evaluate::Report report;
  /// Of each relevant item, if asked for.
  std::optional<std::vector<std::int64_t>> ranks;
};

void print_report(const Evaluation& evaluation);
Json json_report(const Evaluation& evaluation, const evaluate::IdLists& relevant);

}  // namespace maxdot::tools
