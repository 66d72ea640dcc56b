// One batch of users after the other: read, looked at, searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "commands/batch_command.hpp"
#include "commands/batch_results.hpp"
#include "commands/id_lists.hpp"
#include "commands/sorted_pairs.hpp"
#include "console/interrupt.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

/// What users must not get, asked for in the order of users.
class Exclusions {
 public:
  /// For users [first, last) of `users`. Throws Failure; Interrupted.
  Exclusions(const BatchCommand& command, std::size_t users, std::size_t first, std::size_t last,
             const InterruptGuard& interrupt);

  /// The lists of the users from `begin` on, `most` at most; they hold until the next call. Returns
  /// how many users. Throws Failure.
  std::size_t next(std::size_t begin, std::size_t most, IdLists& lists);

 private:
  std::optional<SortedPairs> pairs_;
  OwnedIdLists lists_;
  ListSlice slice_;
};

/// Reads every row before the first search, so that a bad one is known in minutes. The report lists
/// all of them. Throws Failure: bad_data (there are some, and they are to end the job), io;
/// Interrupted.
void scan_users(const BatchCommand& command, const MatrixFile& users, const ShareRows& rows,
                std::size_t rows_at_once, const InterruptGuard& interrupt);

/// Searches for `rows_at_once` users at most at a time, in memory that it takes once.
class Scoring {
 public:
  /// Throws Failure: bad_data (the mask of items).
  Scoring(const BatchCommand& command, const Index& index, const MatrixFile& users,
          std::size_t rows_at_once, const StopOptions& stop);

  /// The results of users [first, first + count), without what `exclude` lists, to `results`. Bad
  /// rows have ids of -1. Throws Failure: bad_data (a bad row, and it is to end the job), io.
  void score(std::size_t first, std::size_t count, const IdLists& exclude, BatchResults& results);

 private:
  const BatchCommand& command_;
  const Index& index_;
  const MatrixFile& users_;
  std::vector<std::uint8_t> item_mask_;
  SearchOptions options_;
  double worst_score_;
  Matrix buffer_;
  std::vector<std::int64_t> ids_;
  std::vector<double> scores_;
};

}  // namespace maxdot::tools
