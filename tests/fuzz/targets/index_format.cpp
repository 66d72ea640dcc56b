#include "index_format.hpp"

#include <xxhash.h>

#include <algorithm>

namespace fuzz {
namespace {

constexpr std::uint64_t kAlignment = 64;
constexpr std::uint64_t kMostItems = 100'000;
constexpr std::uint32_t kMostDimension = 100'000;

std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::uint64_t bytes_of(std::uint32_t kind, const IndexShape& shape) {
  const std::uint64_t d = shape.dimension;
  const std::uint64_t tiles = (shape.items + 63) / 64;
  const std::uint64_t fours = (d + 3) / 4;
  switch (kind) {
    case kRows:
      return shape.items * d * (shape.half ? 2 : 4);
    case kSquares:
    case kIds:
      return shape.items * 8;
    case kHighCodes:
      return tiles * 128 * fours;
    case kLowCodes:
      return tiles * 64 * 4 * ((fours + 1) / 2);
    case kItemTerms:
      return tiles * 64 * 8;
    case kTileSummaries:
      return tiles * 32;
    case kCodeOrder:
      return tiles * 128;
    default:
      return tiles * 8;
  }
}

std::uint32_t sections_told(std::span<const std::uint8_t> file) {
  return file.size() < kIndexHeaderBytes ? 0 : read_at<std::uint32_t>(file, 12);
}

}  // namespace

std::vector<SectionPlace> sections_in(std::span<const std::uint8_t> file) {
  std::vector<SectionPlace> found;
  const std::uint32_t told = sections_told(file);
  for (std::size_t i = 0; i < told; ++i) {
    const std::size_t entry = kIndexHeaderBytes + i * kSectionEntryBytes;
    if (entry + kSectionEntryBytes > file.size()) break;
    const SectionPlace place = {read_at<std::uint32_t>(file, entry), entry,
                                read_at<std::uint64_t>(file, entry + 8),
                                read_at<std::uint64_t>(file, entry + 16)};
    if (place.offset <= file.size() && place.bytes <= file.size() - place.offset)
      found.push_back(place);
  }
  return found;
}

std::span<const std::uint8_t> section_in(std::span<const std::uint8_t> file, std::uint32_t kind) {
  for (const SectionPlace& place : sections_in(file)) {
    if (place.kind == kind) return file.subspan(place.offset, place.bytes);
  }
  return {};
}

std::optional<IndexShape> shape_in(std::span<const std::uint8_t> file) {
  if (file.size() < kIndexHeaderBytes) return std::nullopt;
  IndexShape shape = {read_at<std::uint64_t>(file, 24), read_at<std::uint32_t>(file, 32),
                      file[36] == 1, false};
  if (shape.items > kMostItems || shape.dimension == 0 || shape.dimension > kMostDimension)
    return std::nullopt;
  for (const SectionPlace& place : sections_in(file))
    shape.with_ids = shape.with_ids || place.kind == kIds;
  return shape;
}

void repair_checksums(std::span<std::uint8_t> file) {
  if (file.size() < kIndexHeaderBytes) return;
  for (const SectionPlace& place : sections_in(file)) {
    const std::uint64_t checksum = XXH3_64bits(file.data() + place.offset, place.bytes);
    write_at(file, place.entry + 24, checksum);
  }
  const std::uint64_t table = std::uint64_t{sections_told(file)} * kSectionEntryBytes;
  if (table > file.size() - kIndexHeaderBytes) return;
  write_at(file, 56, std::uint64_t{0});
  write_at(file, 56, std::uint64_t{XXH3_64bits(file.data(), kIndexHeaderBytes + table)});
}

Bytes lay_out_again(std::span<const std::uint8_t> file, const IndexShape& shape) {
  const std::uint32_t sections = shape.with_ids ? 9 : 8;
  std::uint64_t at = aligned(kIndexHeaderBytes + sections * kSectionEntryBytes);
  Bytes made(at);
  std::copy_n(file.begin(), kIndexHeaderBytes, made.begin());
  std::size_t entry = kIndexHeaderBytes;
  for (std::uint32_t kind = kRows; kind <= kNarrowRatios; ++kind) {
    if (kind == kIds && !shape.with_ids) continue;
    const std::uint64_t bytes = bytes_of(kind, shape);
    const std::span<const std::uint8_t> old = section_in(file, kind);
    made.resize(at + aligned(bytes));
    for (std::uint64_t i = 0; i < bytes && !old.empty(); ++i) made[at + i] = old[i % old.size()];
    write_at(std::span(made), entry, kind);
    write_at(std::span(made), entry + 8, at);
    write_at(std::span(made), entry + 16, bytes);
    entry += kSectionEntryBytes;
    at = made.size();
  }
  made.resize(at + kAlignment);
  write_at(std::span(made), 12, sections);
  write_at(std::span(made), 16, std::uint64_t{made.size()});
  write_at(std::span(made), 24, shape.items);
  write_at(std::span(made), 32, shape.dimension);
  made[36] = shape.half ? 1 : 0;
  return made;
}

}  // namespace fuzz
