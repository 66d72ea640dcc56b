// The manifest: the segments of a catalogue, and which log comes after them. It is replaced whole.
// FORMAT.md is the specification.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "live/shape.hpp"

namespace maxdot::live {

struct ManifestSegment {
  std::uint64_t number;
  std::uint64_t checksum;  // of its index (IndexInfo)
  std::uint64_t rows;
  std::vector<std::uint32_t> dead_rows;
};

struct Manifest {
  /// Drawn when the catalogue was created. Its logs have it, too.
  std::uint64_t catalogue = 0;
  Shape shape;
  /// All changes up to this version are in the segments, or in the logs from `first_log` on.
  std::uint64_t version = 1;
  /// The version of the last replace among them; 0: none. Earlier records do not matter any more,
  /// and may be of another shape.
  std::uint64_t replaced = 0;
  std::uint64_t first_log = 0;
  std::vector<ManifestSegment> segments;
};

/// Replaces the file. Throws Error: io, out_of_memory.
void write_manifest(const Manifest& manifest, const std::string& path);

/// Throws Error: io, bad_format, unsupported, checksum_mismatch, out_of_memory. `checksum`: of the
/// file, another whenever it was replaced by another.
Manifest read_manifest(const std::string& path, std::uint64_t* checksum = nullptr);

}  // namespace maxdot::live
