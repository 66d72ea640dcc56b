#include "store/file_format.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/checked.hpp"
#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "base/stop.hpp"
#include "maxdot/error.hpp"
#include "store/sections.hpp"

namespace maxdot::store {
namespace {

static_assert(std::endian::native == std::endian::little,
              "*.maxdot files are little-endian and mapped as they are");

constexpr std::array<unsigned char, 8> kMagic = {'m', 'a', 'x', 'd', 'o', 't', '\r', '\n'};
constexpr std::uint32_t kVersion = 4;
constexpr std::uint64_t kAlignment = 64;

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

constexpr std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

struct Payload {
  const SectionKind* kind;
  const void* data;
  std::uint64_t bytes;
};

template <typename Take>
void for_each_payload(const ItemStore& items, const Take& take) {
  for (const SectionKind& kind : section_kinds()) {
    // A needed section is there even if it is empty.
    if (!kind.needed && kind.get(items) == nullptr) continue;
    take(
        Payload{&kind, kind.get(items), section_elements(kind, items) * kind.element_bytes(items)});
  }
}

std::vector<Payload> payloads(const ItemStore& items) {
  std::vector<Payload> list;
  for_each_payload(items, [&](const Payload& payload) { list.push_back(payload); });
  return list;
}

std::uint64_t header_checksum(Header header, const std::vector<Section>& sections) {
  header.checksum = 0;
  std::vector<unsigned char> bytes(sizeof(Header) + sections.size() * sizeof(Section));
  std::memcpy(bytes.data(), &header, sizeof(Header));
  if (!sections.empty())
    std::memcpy(bytes.data() + sizeof(Header), sections.data(), bytes.size() - sizeof(Header));
  return XXH3_64bits(bytes.data(), bytes.size());
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::bad_format,
              path + ": " + why + "; build the index again with 'maxdot build'");
}

/// Where the first of so many sections begins.
constexpr std::uint64_t first_offset(std::uint64_t sections) {
  return aligned(sizeof(Header) + sections * sizeof(Section));
}

/// The length of a file whose sections take so many bytes. The last row must be followed by 64
/// readable bytes even if no section follows.
constexpr std::uint64_t end_of(std::uint64_t sections, std::uint64_t bytes) {
  return first_offset(sections) + bytes + kAlignment;
}

/// Offsets of the sections, from the sizes of the payloads.
std::vector<Section> lay_out(const std::vector<Payload>& list) {
  std::vector<Section> sections;
  std::uint64_t offset = first_offset(list.size());
  for (const Payload& payload : list) {
    sections.push_back({payload.kind->number, 0, offset, payload.bytes, 0});
    offset += aligned(payload.bytes);
  }
  return sections;
}

Header read_header(const base::InputFile& file) {
  Header header;
  if (file.size() < sizeof(Header)) refuse(file.path(), "too short to be a maxdot index");
  file.read_at(0, &header, sizeof(Header));
  if (header.magic != kMagic) refuse(file.path(), "not a maxdot index (its first bytes differ)");
  if (header.version != kVersion) {
    throw Error(ErrorCode::unsupported,
                file.path() + ": index format version " + std::to_string(header.version) +
                    "; this program reads version " + std::to_string(kVersion) +
                    ": build the index again or use the matching maxdot");
  }
  if (header.file_bytes != file.size()) {
    refuse(file.path(), "is " + std::to_string(file.size()) + " bytes long but its header says " +
                            std::to_string(header.file_bytes) + " (cut short or damaged)");
  }
  return header;
}

std::vector<Section> read_sections(const base::InputFile& file, const Header& header) {
  if (header.sections > 64 || sizeof(Header) + header.sections * sizeof(Section) > file.size()) {
    refuse(file.path(), "its section table is damaged");
  }
  std::vector<Section> sections(header.sections);
  file.read_at(sizeof(Header), sections.data(), sections.size() * sizeof(Section));
  if (header.checksum != header_checksum(header, sections))
    refuse(file.path(), "its header is damaged");
  return sections;
}

void check_header_values(const std::string& path, const Header& header) {
  if (header.dimension == 0 || header.dimension > max_dimension) {
    refuse(path, "dimension " + std::to_string(header.dimension) + " is out of range");
  }
  if (header.dtype > 1 || header.metric > 2 || header.normalized > 1) {
    refuse(path, "its header holds an unknown element type or metric");
  }
  if (std::isnan(header.largest_square))
    refuse(path, "its header says that the largest square is NaN");
  if (header.reserved0 != 0 || header.reserved1 != 0)
    refuse(path, "its header is not that of version " + std::to_string(kVersion));
  // Bounds every later product of a count and a size.
  if (header.items > header.file_bytes) refuse(path, "more items than bytes");
}

std::string in_words(const SectionKind& kind) { return "section '" + std::string(kind.name) + "'"; }

/// Requires a section table whose checksum is right, and the counts in `items`. Sets its arrays
/// after checking that each section lies in the file, aligned, in order and of exactly the size
/// that the header implies.
void bind_sections(const std::string& path, const Header& header,
                   const std::vector<Section>& sections, const unsigned char* data,
                   ItemStore& items) {
  const std::uint64_t limit = header.file_bytes - kAlignment;
  std::uint64_t end = sizeof(Header) + sections.size() * sizeof(Section);
  for (const Section& section : sections) {
    const SectionKind* kind = find_section_kind(section.kind);
    if (kind == nullptr)
      refuse(path, "holds a section of unknown kind " + std::to_string(section.kind));
    const auto expected =
        base::checked_mul(section_elements(*kind, items), kind->element_bytes(items));
    // Subtractions only: an offset near 2^64 must not wrap around to one that fits.
    if (!expected || section.bytes != *expected || section.reserved != 0 ||
        section.offset % kAlignment != 0 || section.offset < end || section.offset > limit ||
        section.bytes > limit - section.offset) {
      refuse(path, in_words(*kind) + " does not fit the file");
    }
    if (kind->get(items) != nullptr) refuse(path, in_words(*kind) + " stands in it twice");
    end = section.offset + section.bytes;
    kind->set(items, data + section.offset);
  }
  for (const SectionKind& kind : section_kinds()) {
    if (kind.needed && kind.get(items) == nullptr) refuse(path, in_words(kind) + " is missing");
  }
}

bool is_zero(const unsigned char* p, std::uint64_t bytes) {
  for (std::uint64_t i = 0; i < bytes; ++i) {
    if (p[i] != 0) return false;
  }
  return true;
}

// [bytes] Between two looks whether the call shall end.
constexpr std::uint64_t kBytesPerLook = std::uint64_t{4} << 20;

/// XXH3-64, with looks whether the call shall end. Throws Error, std::bad_alloc.
std::uint64_t checksum_of(const unsigned char* data, std::uint64_t bytes) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  if (!state || XXH3_64bits_reset(state.get()) != XXH_OK) throw std::bad_alloc();
  for (std::uint64_t at = 0; at < bytes; at += kBytesPerLook) {
    base::throw_if_stopped();
    XXH3_64bits_update(state.get(), data + at, std::min(kBytesPerLook, bytes - at));
  }
  return XXH3_64bits_digest(state.get());
}

void verify_payload_of(const std::string& path, const std::vector<Section>& sections,
                       const base::MappedFile& map) {
  std::uint64_t end = sizeof(Header) + sections.size() * sizeof(Section);
  for (const Section& section : sections) {
    const bool padding_clean = is_zero(map.data() + end, section.offset - end);
    if (!padding_clean ||
        checksum_of(map.data() + section.offset, section.bytes) != section.checksum) {
      throw Error(ErrorCode::checksum_mismatch,
                  path + ": " + in_words(*find_section_kind(section.kind)) +
                      " is damaged (checksum differs); restore the file or build it again");
    }
    end = section.offset + section.bytes;
  }
  if (!is_zero(map.data() + end, map.size() - end)) {
    throw Error(ErrorCode::checksum_mismatch,
                path + ": its end is damaged; restore the file or build it again");
  }
}

std::uint64_t write(const ItemStore& items, const std::string& path) {
  const std::vector<Payload> list = payloads(items);
  std::vector<Section> sections = lay_out(list);
  Header header = {};
  header.magic = kMagic;
  header.version = kVersion;
  header.sections = static_cast<std::uint32_t>(list.size());
  header.file_bytes = file_bytes(items);
  header.items = items.items;
  header.dimension = static_cast<std::uint32_t>(items.dimension);
  header.dtype = static_cast<std::uint8_t>(items.dtype);
  header.metric = static_cast<std::uint8_t>(items.metric);
  header.normalized = items.normalized ? 1 : 0;
  header.largest_square = items.largest_square;
  for (std::size_t i = 0; i < list.size(); ++i)
    sections[i].checksum = XXH3_64bits(list[i].data, list[i].bytes);
  header.checksum = header_checksum(header, sections);

  base::AtomicFile file(path);
  const std::array<unsigned char, kAlignment> zeros = {};
  file.write(&header, sizeof(header));
  file.write(sections.data(), sections.size() * sizeof(Section));
  for (std::size_t i = 0; i < list.size(); ++i) {
    file.write(zeros.data(), sections[i].offset - file.written());
    if (list[i].bytes != 0) file.write(list[i].data, list[i].bytes);
  }
  while (file.written() < header.file_bytes) {
    file.write(zeros.data(),
               std::min<std::uint64_t>(kAlignment, header.file_bytes - file.written()));
  }
  file.commit();
  return header.checksum;
}

std::shared_ptr<const ItemStore> open(const std::string& path, bool verify_payload) {
  const base::InputFile file(path);
  const Header header = read_header(file);
  const std::vector<Section> sections = read_sections(file, header);
  check_header_values(path, header);

  auto map = std::make_shared<base::MappedFile>(file);
  auto items = std::make_shared<ItemStore>();
  items->items = header.items;
  items->dimension = header.dimension;
  items->dtype = static_cast<DType>(header.dtype);
  items->metric = static_cast<Metric>(header.metric);
  items->normalized = header.normalized != 0;
  items->largest_square = header.largest_square;
  items->checksum = header.checksum;
  bind_sections(path, header, sections, map->data(), *items);
  if (verify_payload) verify_payload_of(path, sections, *map);
  items->owner = std::move(map);
  return items;
}

}  // namespace

std::uint64_t file_bytes(const ItemStore& items) noexcept {
  std::uint64_t sections = 0;
  std::uint64_t bytes = 0;
  for_each_payload(items, [&](const Payload& payload) {
    ++sections;
    bytes += aligned(payload.bytes);
  });
  return end_of(sections, bytes);
}

std::uint64_t write_file(const ItemStore& items, const std::string& path) {
  return base::file_entry(path, "save the index", [&] { return write(items, path); });
}

std::shared_ptr<const ItemStore> open_file(const std::string& path, bool verify_payload) {
  return base::file_entry(path, "open the index", [&] { return open(path, verify_payload); });
}

}  // namespace maxdot::store
