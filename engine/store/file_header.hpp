// The header and the section table of an index file. FORMAT.md is the specification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "store/item_store.hpp"

namespace maxdot::store {

inline constexpr std::uint64_t kAlignment = 64;

struct Section {
  std::uint32_t kind;
  std::uint32_t reserved;
  std::uint64_t offset;
  std::uint64_t bytes;
  std::uint64_t checksum;
};
static_assert(sizeof(Section) == 32);

struct Header {
  std::array<unsigned char, 8> magic;
  std::uint32_t version;
  std::uint32_t sections;
  std::uint64_t file_bytes;
  std::uint64_t items;
  std::uint32_t dimension;
  std::uint8_t dtype;
  std::uint8_t metric;
  std::uint8_t normalized;
  std::uint8_t reserved0;
  double largest_square;
  std::uint64_t reserved1;
  /// XXH3-64 of the header with this field zero, followed by the section table.
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == 64 && offsetof(Header, checksum) == 56);

constexpr std::uint64_t aligned(std::uint64_t bytes) noexcept {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Where the sections are in the file of these items, without checksums; an index without ids of
/// its own has no section of them. Throws std::bad_alloc.
std::vector<Section> lay_out(const ItemStore& items, bool with_ids);

/// The header of such a file, but for its checksum and largest_square.
Header make_header(const ItemStore& items, const std::vector<Section>& sections) noexcept;

/// Where the first of so many sections begins.
constexpr std::uint64_t first_offset(std::uint64_t sections) noexcept {
  return aligned(sizeof(Header) + sections * sizeof(Section));
}

/// The length of a file whose sections take so many bytes, each aligned. The last row must be
/// followed by 64 readable bytes even if no section follows.
constexpr std::uint64_t end_of(std::uint64_t sections, std::uint64_t bytes) noexcept {
  return first_offset(sections) + bytes + kAlignment;
}

/// Throws std::bad_alloc.
std::uint64_t header_checksum(Header header, const std::vector<Section>& sections);

/// What the file says of itself, checked but for its sections. Throws Error: io, bad_format,
/// unsupported.
Header read_header(const base::InputFile& file);
/// The section table, whose checksum is right. Throws Error: io, bad_format.
std::vector<Section> read_sections(const base::InputFile& file, const Header& header);

/// Counts, types and checksum of the header; no arrays.
ItemStore items_of(const Header& header) noexcept;

/// Throws Error (bad_format): the path, why, and what to do.
[[noreturn]] void refuse_file(const std::string& path, const std::string& why);

}  // namespace maxdot::store
