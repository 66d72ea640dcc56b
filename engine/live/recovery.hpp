// Recovery: from a folder to the state that its files describe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "live/folder.hpp"
#include "live/state.hpp"

namespace maxdot::live {

/// What was read of a folder, and how to read on.
struct Recovered {
  State state;
  std::uint64_t manifest_checksum = 0;
  std::uint64_t first_log = 0;
  /// The log that was read last, and where its next record begins.
  std::uint64_t log = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t catalogue = 0;
  /// Segments that the folder's files name.
  std::vector<std::uint64_t> segments;
};

/// Reads all. Segments that `known` has already are not opened again. Throws Error: io, bad_format,
/// unsupported, checksum_mismatch, out_of_memory.
Recovered recover(const Folder& folder, std::size_t fresh_items, const State* known = nullptr);

/// Reads what has been appended to the logs since. Returns whether that was anything. If the
/// writer has replaced the manifest meanwhile, the log may be gone: Error (io, bad_format).
bool read_on(const Folder& folder, Recovered& recovered);

}  // namespace maxdot::live
