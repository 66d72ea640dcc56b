// A share of a job: some of the rows, for one of several processes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "console/cli_fwd.hpp"

namespace maxdot::tools {

/// Rows [first, last).
struct ShareRows {
  std::size_t first = 0;
  std::size_t last = 0;

  std::size_t count() const noexcept { return last - first; }
};

/// The `number`th, from 0, of `shares` shares.
struct Share {
  std::uint64_t number = 0;
  std::uint64_t shares = 1;

  /// Its rows among `rows`: all shares together have each row once, and differ by one row at most.
  /// Requires number < shares <= 2^32.
  ShareRows of(std::size_t rows) const noexcept;
};

/// --share I/N. Anything else is a usage error.
CLI::Option* add_share(CLI::App& command, Share& share);

}  // namespace maxdot::tools
