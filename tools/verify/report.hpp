// What `maxdot verify` found, and how it is told: plain English for people, JSON for programs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "console/console.hpp"
#include "verify/compare.hpp"
#include "verify/faiss.hpp"

namespace maxdot::tools {

/// How far two metrics agree about the same rows.
struct MetricPair {
  Metric left = Metric::dot;
  Metric right = Metric::cosine;
  double overlap = 0.0;         ///< mean share of the k items that both name
  double same_positions = 0.0;  ///< share of positions that hold the same item
};

/// A query for which the three metrics prefer different items; rows, in the order of `all_metrics`.
struct MetricExample {
  std::size_t query = 0;
  std::array<std::int64_t, 3> best = {};
};

struct VerifyReport {
  std::string items_path;
  std::string queries_path;  ///< empty: the queries are rows of the items
  std::size_t items = 0;
  std::size_t dimension = 0;
  std::size_t query_rows = 0;  ///< rows to choose queries from
  std::size_t queries = 0;     ///< rows chosen
  std::uint64_t seed = 0;
  std::size_t k_asked = 0;
  std::size_t k = 0;  ///< at most the number of items
  std::size_t zero_items = 0;
  std::size_t zero_queries = 0;
  double norm_error = 0.0;  ///< largest | ‖item‖ − 1 | of the rows as they are

  std::size_t self_check_pairs = 0;
  std::size_t self_check_wrong = 0;
  std::uint64_t keys_confirmed = 0;  ///< keys of the truth that a more precise sum confirms
  std::uint64_t keys_denied = 0;  ///< those that it does not: f64 arithmetic itself is broken here

  // Arrays of three are in the order of `all_metrics`.
  std::array<Comparison, 3> unit_truth;
  std::array<Comparison, 2> unit_rankings;  ///< dot against cosine, dot against Euclidean
  Geometry geometry;
  std::array<Comparison, 3> raw_truth;
  std::array<MetricPair, 3> raw_pairs;
  std::optional<MetricExample> raw_example;

  std::size_t threads = 0;       ///< of the searches that are compared with the truth
  std::size_t many_threads = 0;  ///< `threads`, at least 2
  Comparison one_thread;         ///< one thread against `many_threads`, all three metrics
  std::size_t asked_alone = 0;
  Comparison alone;  ///< one query at a time against one batch, all three metrics

  std::optional<FaissReport> faiss;
  double seconds = 0.0;

  /// maxdot agrees with the truth and with itself, everywhere.
  bool exact() const noexcept;
  /// `exact`, and no difference with FAISS is left unexplained.
  bool passed() const noexcept;
  /// The rows are unit vectors already, as closely as f32 or f16 files usually hold them.
  bool already_unit() const noexcept { return norm_error <= 1e-6; }
};

/// One line: PASS or FAIL, and what that means.
std::string verdict(const VerifyReport& report);

std::string text_report(const VerifyReport& report);
Json json_report(const VerifyReport& report);

}  // namespace maxdot::tools
