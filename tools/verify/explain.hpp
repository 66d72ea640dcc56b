// FAISS adds in f32. Where its ranking differs from the truth: could its rounding have done that,
// or not? docs/verify.md proves what is computed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "judge/brute.hpp"
#include "verify/data.hpp"
#include "verify/faiss_library.hpp"

namespace maxdot::tools {

/// FAISS's answer as it gave it: [queries, k] row-major, item rows and f32 scores.
struct FaissAnswer {
  std::size_t queries = 0;
  std::size_t k = 0;
  std::vector<std::int64_t> ids;
  std::vector<float> scores;
};

/// Why a position is unexplained.
enum class Defect : std::uint8_t {
  no_item,   ///< −1 or a number that is no item's
  repeated,  ///< an item that the same list named before
  score,     ///< the f32 score is further from the f64 score than f32 rounding can carry it
  order,     ///< a better item belongs here, and better by more than rounding can hide
};

/// One position of one query, in the words of the report. Scores are inner products or squared
/// distances.
struct Position {
  std::size_t query = 0;
  std::size_t position = 0;
  std::int64_t faiss_id = -1;
  std::int64_t true_id = -1;
  double gap = 0.0;      ///< how far the two f64 scores (or, for Defect::score, FAISS's and the f64
                         ///< score) differ
  double allowed = 0.0;  ///< how far rounding can part them
  Defect defect = Defect::order;
};

/// FAISS against the truth: positions = equal + explained + unexplained.
struct Explanation {
  std::uint64_t positions = 0;
  std::uint64_t equal = 0;
  std::uint64_t explained = 0;
  std::uint64_t unexplained = 0;
  std::uint64_t queries_differing = 0;
  /// Zero vectors without a direction, or sums beyond the range of f32.
  std::uint64_t queries_left_out = 0;
  /// The explained position whose two scores are furthest apart, if any position is explained.
  std::optional<Position> widest;
  std::optional<Position> first_unexplained;
  /// The largest share of a score's proven bound that its actual error used: below 1, or the bound
  /// is broken.
  double bound_used = 0.0;
};

/// Classifies every position of `answer`. `truth` answers `contest` for the same rows, and answer.k
/// == truth.k.
Explanation explain(const FaissAnswer& answer, FaissScore measure, const judge::Truth& truth,
                    const judge::Contest& contest, const Rows& items, const Rows& queries);

}  // namespace maxdot::tools
