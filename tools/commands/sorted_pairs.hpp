// Pairs (user, item) in the order of users, in memory that does not grow with their number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "console/disk.hpp"
#include "console/interrupt.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

/// A file of pairs, sorted by user and item. Some at a time are sorted in memory, and each such run
/// is written to a file without a name; `next` merges the runs. Pairs that fit one run are never
/// written. O(m log m) for m pairs, 16 bytes of disk for each.
class SortedPairs {
 public:
  /// Which pairs are wanted: those of users [first, last). The file may name users [0, all).
  struct Users {
    std::size_t all = 0;
    std::size_t first = 0;
    std::size_t last = 0;
  };

  /// Reads the file. Runs stand in `folder`. Throws Failure: bad_data (there is no such user), io;
  /// Interrupted.
  SortedPairs(const std::string& path, const PairColumns& columns, const Users& users,
              const std::string& folder, const InterruptGuard& interrupt);

  /// The lists of the users from `begin` on, each item once; they hold until the next call. Fewer
  /// than `most` users, but one at least, if their lists take too much memory. Returns how many.
  /// Requires that no user is asked for twice, and that users ascend. Throws Failure (io).
  std::size_t next(std::size_t begin, std::size_t most, IdLists& lists);

 private:
  struct Pair {
    std::int64_t user;
    std::int64_t item;
    friend bool operator==(const Pair&, const Pair&) = default;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };
  /// A sorted part of the pairs, of which `held` is in memory and the rest on the disk.
  struct Run {
    std::uint64_t offset = 0;  // [bytes] of the rest
    std::size_t left = 0;      // pairs of the rest
    std::vector<Pair> held;
    std::size_t at = 0;  // the first of `held` that was not taken

    const Pair& front() const { return held[at]; }
  };

  void read(PairFile& file, const Users& users, const InterruptGuard& interrupt);
  void write_run();
  void begin_merge();
  /// Whether the run has a pair, read from the disk if need be.
  bool refill(Run& run);
  Pair take();

  std::string path_;
  std::string folder_;
  Descriptor file_;  // of the runs; none: there is one, in memory
  std::uint64_t written_ = 0;
  std::vector<Pair> run_;  // that is being filled
  std::vector<Run> runs_;
  std::vector<std::size_t> heap_;  // of runs, by their first pair
  std::size_t pairs_held_ = 0;     // of a run that is read from the disk
  std::vector<std::int64_t> offsets_;
  std::vector<std::int64_t> ids_;
};

}  // namespace maxdot::tools
