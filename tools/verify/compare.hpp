// Does maxdot's answer equal the truth, and how do answers of different metrics compare?
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "judge/brute.hpp"
#include "maxdot/index.hpp"
#include "verify/data.hpp"

namespace maxdot::tools {

inline constexpr std::array<Metric, 3> all_metrics = {Metric::dot, Metric::cosine,
                                                      Metric::euclidean};

/// What one place of two ranked lists holds, where they disagree.
struct Place {
  std::size_t query = 0;
  std::size_t position = 0;  ///< 0 is the best
  std::int64_t left_id = -1;
  std::int64_t right_id = -1;
  double left_score = 0.0;
  double right_score = 0.0;
};

/// Two sets of ranked lists, place by place.
struct Comparison {
  std::uint64_t positions = 0;
  std::uint64_t wrong_ids = 0;
  std::uint64_t wrong_scores = 0;  ///< same id, but the scores differ by a bit or more
  std::uint64_t queries_differing = 0;
  std::optional<Place> first;

  std::uint64_t wrong() const noexcept { return wrong_ids + wrong_scores; }
};

/// maxdot's answer (left) against the truth (right): ids, and every bit of the scores. An answer of
/// another shape is wrong at every position.
Comparison compare_with_truth(const SearchResult& answer, const judge::Truth& truth);

/// Two answers of maxdot to the same question, every bit. Different shapes differ at every
/// position.
Comparison compare_answers(const SearchResult& left, const SearchResult& right);

/// Two rankings by different metrics: only the ids, since the scores mean different things.
Comparison compare_rankings(const SearchResult& left, const SearchResult& right);

/// The mean share of a query's k items that both rankings contain, in whatever order.
double mean_overlap(const std::vector<std::int64_t>& left, const std::vector<std::int64_t>& right,
                    std::size_t k);

/// On unit vectors ‖a−b‖² = 2 − 2·cos: confirmed the long way round, coordinate by coordinate.
struct Geometry {
  std::uint64_t pairs = 0;
  std::uint64_t outside =
      0;                 ///< pairs whose two squared distances differ by more than f64 rounding can
  double largest = 0.0;  ///< the largest difference seen
  double allowed = 0.0;
};

/// For each pair in `answer` (a euclidean search of a normalised index): the distance of the two
/// unit vectors from the differences of their coordinates, against the distance that maxdot
/// reports.
Geometry check_geometry(const SearchResult& answer, const Rows& items, const Rows& queries);

}  // namespace maxdot::tools
