// Any library's answer, place by place, beside the truth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "judge/brute.hpp"
#include "maxdot/matrix.hpp"
#include "maxdot/stop.hpp"

namespace maxdot::judge {

/// The first place that holds neither the item of the truth nor one that ties with it. A score is
/// missing where the id names no item.
struct WrongPlace {
  std::size_t query = 0;
  std::size_t position = 0;
  std::int64_t expected_id = -1;
  std::int64_t given_id = -1;
  std::optional<double> expected_score;
  std::optional<double> given_score;
};

struct Verdict {
  std::size_t positions =
      0;                  ///< places compared: where either the truth or the answer names an item
  std::size_t right = 0;  ///< places that hold the id of the truth
  std::size_t tied = 0;   ///< places that hold another item of exactly the same key, once
  std::size_t repeated = 0;  ///< ids that a row holds more than once
  std::size_t wanted = 0;    ///< true items
  std::size_t found = 0;     ///< of them, in whatever order
  /// Keys of the truth that a more precise sum denies: not 0 where f64 itself is broken.
  std::uint64_t denied = 0;
  std::optional<WrongPlace> first;
};

/// What is asked. Rows must be finite, of one dimension.
struct Question {
  MatrixView items;
  MatrixView queries;
  Metric metric = Metric::dot;
  bool normalize = false;
  /// The id of each row; empty: its number.
  std::span<const std::int64_t> ids;
};

/// Judges `answer`, ids [queries, k] row-major, best first, negative where nothing was found.
/// Throws std::bad_alloc, and Error (cancelled, timeout) as `stop_options` ask.
Verdict judge_answer(const Question& question, std::span<const std::int64_t> answer, std::size_t k,
                     std::size_t threads, const StopOptions& stop_options = {});

}  // namespace maxdot::judge
