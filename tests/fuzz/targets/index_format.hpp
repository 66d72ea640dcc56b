// The index file as engine/store/FORMAT.md describes it, written a second time: what mutations
// change and repair, and what the oracle reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mutator.hpp"

namespace fuzz {

constexpr std::size_t kIndexHeaderBytes = 64;
constexpr std::size_t kSectionEntryBytes = 32;

enum SectionNumber : std::uint32_t {
  kRows = 1,
  kSquares,
  kIds,
  kHighCodes,
  kLowCodes,
  kItemTerms,
  kTileSummaries,
  kCodeOrder,
  kNarrowRatios
};

struct IndexShape {
  std::uint64_t items = 0;
  std::uint32_t dimension = 1;
  bool half = false;  ///< rows of f16
  bool with_ids = false;
};

/// What the table says of a section. `entry` is where in the file it says so.
struct SectionPlace {
  std::uint32_t kind;
  std::size_t entry;
  std::uint64_t offset;
  std::uint64_t bytes;
};

/// The entries of the section table that lie in the file and whose sections do. Empty for what has
/// no header.
std::vector<SectionPlace> sections_in(std::span<const std::uint8_t> file);
/// The bytes of that section; empty if there is none.
std::span<const std::uint8_t> section_in(std::span<const std::uint8_t> file, std::uint32_t kind);

/// What the header says, if the file has one and all is small enough to be laid out.
std::optional<IndexShape> shape_in(std::span<const std::uint8_t> file);

/// Makes every checksum right, as far as sections lie in the file.
void repair_checksums(std::span<std::uint8_t> file);

/// A file of another shape whose sizes are right. Each section has the bytes of the old one, again
/// and again if it is longer; checksums are not right yet.
Bytes lay_out_again(std::span<const std::uint8_t> file, const IndexShape& shape);

}  // namespace fuzz
