// What an input of fuzz_live_folder is: a question of 16 bytes, then the files of a folder as
// engine/live/FORMAT.md describes them, written a second time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mutator.hpp"

namespace fuzz {

/// How the folder is opened and what is done to it. Every value of every byte means something.
struct LiveQuestion {
  std::uint64_t seed;    ///< queries and changes are drawn from it
  std::uint8_t open;     ///< bits: for reading only; opened for reading beside the writer
  std::uint8_t changes;  ///< bits: upsert, remove, compact, replace
  std::uint8_t metric;
  std::uint8_t k;
  std::uint8_t spare[4];
};
static_assert(sizeof(LiveQuestion) == 16);

/// A file of the folder. `name`: 0 is the manifest, 1 to 63 the log of that number, 64 and more the
/// segment of that number less 64.
struct LiveFile {
  std::uint8_t name;
  Bytes bytes;

  std::string file_name() const;
  bool is_manifest() const noexcept { return name == 0; }
  bool is_log() const noexcept { return name >= 1 && name < 64; }
  bool is_segment() const noexcept { return name >= 64; }
  std::uint64_t number() const noexcept { return is_segment() ? name - 64U : name; }
};

constexpr std::size_t kManifestHeaderBytes = 72;
constexpr std::size_t kLogHeaderBytes = 40;
constexpr std::size_t kRecordHeaderBytes = 48;

/// The files that stand in these bytes, as far as they are whole.
std::vector<LiveFile> unpack(std::span<const std::uint8_t> bytes);
Bytes pack(const std::vector<LiveFile>& files);

/// Where the records of a log begin; the last is where the first begins that does not fit.
std::vector<std::size_t> records_in(std::span<const std::uint8_t> log);
/// Where the segments of a manifest begin, as far as they fit.
std::vector<std::size_t> segments_in(std::span<const std::uint8_t> manifest);

/// Makes every checksum right. With `agree` also what one file says of another: the catalogue and
/// number of each log, checksums and rows of segments, versions that rise by 1.
void repair_folder(std::vector<LiveFile>& files, bool agree);

/// The files of a folder that maxdot made by some drawn changes.
std::vector<LiveFile> fresh_folder(Random& random);

}  // namespace fuzz
