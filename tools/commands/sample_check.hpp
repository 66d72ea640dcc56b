// Do the files of results hold the true results? Some users are checked in f64.
#pragma once

#include <cstddef>
#include <string>

#include "commands/batch_command.hpp"
#include "commands/share.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

/// What a check of some users found.
struct SampleVerdict {
  std::size_t users = 0;
  std::size_t wrong = 0;    ///< users, of whom a place of the files does not hold the truth
  std::string first_wrong;  ///< what is wrong with the first of them
};

/// Takes `count` random users of `rows` (all, if there are no more) and compares their results in
/// the files, ids and scores bit by bit, with a scan of all permitted items by the judge's
/// arithmetic, which shares nothing with the engine. O(count · items · dimension), on one thread.
/// Throws Failure: io, bad_data.
SampleVerdict check_sample(const BatchCommand& command, const Index& index, const MatrixFile& users,
                           const ShareRows& rows, std::size_t count);

}  // namespace maxdot::tools
