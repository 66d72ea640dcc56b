#include "store/file_header.hpp"

#include <xxhash.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "maxdot/error.hpp"
#include "store/sections.hpp"

namespace maxdot::store {
namespace {

static_assert(std::endian::native == std::endian::little,
              "*.maxdot files are little-endian and mapped as they are");

constexpr std::array<unsigned char, 8> kMagic = {'m', 'a', 'x', 'd', 'o', 't', '\r', '\n'};
constexpr std::uint32_t kVersion = 4;

void check_values(const std::string& path, const Header& header) {
  if (header.dimension == 0 || header.dimension > max_dimension)
    refuse_file(path, "dimension " + std::to_string(header.dimension) + " is out of range");
  if (header.dtype > 1 || header.metric > 2 || header.normalized > 1)
    refuse_file(path, "its header holds an unknown element type or metric");
  if (std::isnan(header.largest_square))
    refuse_file(path, "its header says that the largest square is NaN");
  if (header.reserved0 != 0 || header.reserved1 != 0)
    refuse_file(path, "its header is not that of version " + std::to_string(kVersion));
  // Bounds every later product of a count and a size.
  if (header.items > header.file_bytes) refuse_file(path, "more items than bytes");
}

}  // namespace

std::vector<Section> lay_out(const ItemStore& items, bool with_ids) {
  std::vector<Section> sections;
  for (const SectionKind& kind : section_kinds()) {
    if (!kind.needed && !with_ids) continue;
    sections.push_back(
        {kind.number, 0, 0, section_elements(kind, items) * kind.element_bytes(items), 0});
  }
  std::uint64_t offset = first_offset(sections.size());
  for (Section& section : sections) {
    section.offset = offset;
    offset += aligned(section.bytes);
  }
  return sections;
}

Header make_header(const ItemStore& items, const std::vector<Section>& sections) noexcept {
  Header header = {};
  header.magic = kMagic;
  header.version = kVersion;
  header.sections = static_cast<std::uint32_t>(sections.size());
  std::uint64_t bytes = 0;
  for (const Section& section : sections) bytes += aligned(section.bytes);
  header.file_bytes = end_of(sections.size(), bytes);
  header.items = items.items;
  header.dimension = static_cast<std::uint32_t>(items.dimension);
  header.dtype = static_cast<std::uint8_t>(items.dtype);
  header.metric = static_cast<std::uint8_t>(items.metric);
  header.normalized = items.normalized ? 1 : 0;
  return header;
}

std::uint64_t header_checksum(Header header, const std::vector<Section>& sections) {
  header.checksum = 0;
  std::vector<unsigned char> bytes(sizeof(Header) + sections.size() * sizeof(Section));
  std::memcpy(bytes.data(), &header, sizeof(Header));
  if (!sections.empty())
    std::memcpy(bytes.data() + sizeof(Header), sections.data(), bytes.size() - sizeof(Header));
  return XXH3_64bits(bytes.data(), bytes.size());
}

Header read_header(const base::InputFile& file) {
  Header header;
  if (file.size() < sizeof(Header)) refuse_file(file.path(), "too short to be a maxdot index");
  file.read_at(0, &header, sizeof(Header));
  if (header.magic != kMagic)
    refuse_file(file.path(), "not a maxdot index (its first bytes differ)");
  if (header.version != kVersion) {
    throw Error(ErrorCode::unsupported,
                file.path() + ": index format version " + std::to_string(header.version) +
                    "; this program reads version " + std::to_string(kVersion) +
                    ": build the index again or use the matching maxdot");
  }
  if (header.file_bytes != file.size()) {
    refuse_file(file.path(), "is " + std::to_string(file.size()) +
                                 " bytes long but its header says " +
                                 std::to_string(header.file_bytes) + " (cut short or damaged)");
  }
  return header;
}

std::vector<Section> read_sections(const base::InputFile& file, const Header& header) {
  if (header.sections > 64 || sizeof(Header) + header.sections * sizeof(Section) > file.size()) {
    refuse_file(file.path(), "its section table is damaged");
  }
  std::vector<Section> sections(header.sections);
  file.read_at(sizeof(Header), sections.data(), sections.size() * sizeof(Section));
  if (header.checksum != header_checksum(header, sections))
    refuse_file(file.path(), "its header is damaged");
  check_values(file.path(), header);
  return sections;
}

ItemStore items_of(const Header& header) noexcept {
  ItemStore items;
  items.items = header.items;
  items.dimension = header.dimension;
  items.dtype = static_cast<DType>(header.dtype);
  items.metric = static_cast<Metric>(header.metric);
  items.normalized = header.normalized != 0;
  items.largest_square = header.largest_square;
  items.checksum = header.checksum;
  return items;
}

void refuse_file(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::bad_format,
              path + ": " + why + "; build the index again with 'maxdot build'");
}

}  // namespace maxdot::store
