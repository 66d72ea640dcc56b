#include "store/file_format.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/checked.hpp"
#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "base/stop.hpp"
#include "maxdot/error.hpp"
#include "store/checksum.hpp"
#include "store/file_contents.hpp"
#include "store/file_header.hpp"
#include "store/file_writer.hpp"
#include "store/sections.hpp"

namespace maxdot::store {
namespace {

std::string in_words(const SectionKind& kind) { return "section '" + std::string(kind.name) + "'"; }

/// Requires a section table whose checksum is right, and the counts in `items`. Calls take(kind,
/// section) for each section after checking that it lies in the file, right behind the one before,
/// and has exactly the size that the header implies.
template <typename Take>
void for_each_section(const std::string& path, const Header& header,
                      const std::vector<Section>& sections, const ItemStore& items,
                      const Take& take) {
  const std::uint64_t limit = header.file_bytes - kAlignment;
  std::uint64_t end = sizeof(Header) + sections.size() * sizeof(Section);
  std::uint64_t found = 0;  // a bit for each kind
  for (const Section& section : sections) {
    const SectionKind* kind = find_section_kind(section.kind);
    if (kind == nullptr)
      refuse_file(path, "holds a section of unknown kind " + std::to_string(section.kind));
    const auto expected =
        base::checked_mul(section_elements(*kind, items), kind->element_bytes(items));
    // Subtractions only: an offset near 2^64 must not wrap around to one that fits.
    if (!expected || section.bytes != *expected || section.reserved != 0 ||
        section.offset != aligned(end) || section.offset > limit ||
        section.bytes > limit - section.offset) {
      refuse_file(path, in_words(*kind) + " does not fit the file");
    }
    const std::uint64_t bit = std::uint64_t{1} << kind->number;
    if ((found & bit) != 0) refuse_file(path, in_words(*kind) + " stands in it twice");
    found |= bit;
    end = section.offset + section.bytes;
    take(*kind, section);
  }
  // Bytes of no section would be read into memory, and a sparse file may claim any number of them.
  if (aligned(end) != limit) refuse_file(path, "is longer than its sections");
  for (const SectionKind& kind : section_kinds()) {
    if (kind.needed && (found >> kind.number & 1U) == 0)
      refuse_file(path, in_words(kind) + " is missing");
  }
}

bool is_zero(const unsigned char* p, std::uint64_t bytes) {
  for (std::uint64_t i = 0; i < bytes; ++i) {
    if (p[i] != 0) return false;
  }
  return true;
}

/// With looks whether the call shall end. Throws Error, std::bad_alloc.
std::uint64_t checksum_of(const unsigned char* data, std::uint64_t bytes) {
  Checksum checksum;
  for (std::uint64_t at = 0; at < bytes; at += kBytesPerStep) {
    base::throw_if_stopped();
    checksum.update(data + at, std::min(kBytesPerStep, bytes - at));
  }
  return checksum.digest();
}

[[noreturn]] void refuse_damaged(const std::string& path, const Section& section) {
  throw Error(ErrorCode::checksum_mismatch,
              path + ": " + in_words(*find_section_kind(section.kind)) +
                  " is damaged (checksum differs); restore the file or build it again");
}

void verify_payload_of(const std::string& path, const std::vector<Section>& sections,
                       const FileContents& contents) {
  const unsigned char* data = contents.data;
  std::uint64_t end = sizeof(Header) + sections.size() * sizeof(Section);
  for (const Section& section : sections) {
    if (!is_zero(data + end, section.offset - end) ||
        checksum_of(data + section.offset, section.bytes) != section.checksum) {
      refuse_damaged(path, section);
    }
    end = section.offset + section.bytes;
  }
  if (!is_zero(data + end, contents.size - end)) {
    throw Error(ErrorCode::checksum_mismatch,
                path + ": its end is damaged; restore the file or build it again");
  }
}

void copy_rows(const RowFile& rows, std::size_t count, FileWriter& file) {
  const std::size_t at_once =
      std::max<std::size_t>(1, static_cast<std::size_t>(kBytesPerStep) / rows.row_bytes());
  base::AlignedBuffer<unsigned char> some(std::min(at_once, count) * rows.row_bytes(),
                                          "rows from the disk");
  for (std::size_t first = 0; first < count; first += at_once) {
    const std::size_t copied = std::min(at_once, count - first);
    rows.read(first, copied, some.data());
    file.put(kRowsSection, some.data(), copied * rows.row_bytes());
  }
}

std::uint64_t write(const ItemStore& items, const std::string& path) {
  FileWriter file(path, items, items.ids != nullptr);
  for (const Section& section : file.sections()) {
    if (section.kind == kRowsSection && items.row_file != nullptr) {
      copy_rows(*items.row_file, items.items, file);
    } else {
      file.put(section.kind, find_section_kind(section.kind)->get(items), section.bytes);
    }
  }
  return file.commit(items.largest_square);
}

std::shared_ptr<const ItemStore> open(const std::string& path, bool verify_payload, Load load) {
  const base::InputFile file(path);
  const Header header = read_header(file);
  const std::vector<Section> sections = read_sections(file, header);
  auto items = std::make_shared<ItemStore>(items_of(header));
  // Before there is memory for a file that is none.
  for_each_section(path, header, sections, *items, [](const SectionKind&, const Section&) {});
  FileContents contents = contents_of(file, load);
  for_each_section(path, header, sections, *items,
                   [&](const SectionKind& kind, const Section& section) {
                     kind.set(*items, contents.data + section.offset);
                   });
  // What was read may be of a file that somebody wrote meanwhile.
  if (verify_payload || load != Load::map) verify_payload_of(path, sections, contents);
  items->owner = std::move(contents.owner);
  return items;
}

using Memory = std::vector<std::shared_ptr<unsigned char>>;

std::shared_ptr<const ItemStore> open_codes(const std::string& path, const ItemStore& mapped,
                                            Load load) {
  base::InputFile file(path);
  const Header header = read_header(file);
  const std::vector<Section> sections = read_sections(file, header);
  if (header.checksum != mapped.checksum)
    base::fail(path, "was replaced by another file while it was opened; open it again");
  auto items = std::make_shared<ItemStore>(items_of(header));
  auto memory = std::make_shared<Memory>();
  std::uint64_t rows = 0;
  const auto take = [&](const SectionKind& kind, const Section& section) {
    if (kind.number == kRowsSection) {
      rows = section.offset;
      return;
    }
    unsigned char* data = memory->emplace_back(memory_for(file, section.bytes, load)).get();
    read_in_steps(file, section.offset, data, section.bytes);
    if (load != Load::map && checksum_of(data, section.bytes) != section.checksum)
      refuse_damaged(path, section);
    kind.set(*items, data);
  };
  for_each_section(path, header, sections, *items, take);
  items->row_file = std::make_shared<RowFile>(std::move(file), rows, items->row_bytes());
  items->owner = std::move(memory);
  return items;
}

}  // namespace

std::uint64_t file_bytes(const ItemStore& items) noexcept {
  std::uint64_t sections = 0;
  std::uint64_t bytes = 0;
  for (const SectionKind& kind : section_kinds()) {
    if (!kind.needed && items.ids == nullptr) continue;
    ++sections;
    bytes += aligned(section_elements(kind, items) * kind.element_bytes(items));
  }
  return end_of(sections, bytes);
}

std::uint64_t write_file(const ItemStore& items, const std::string& path) {
  return base::file_entry(path, "save the index", [&] { return write(items, path); });
}

std::shared_ptr<const ItemStore> open_file(const std::string& path, bool verify_payload,
                                           Load load) {
  return base::file_entry(path, "open the index", [&] { return open(path, verify_payload, load); });
}

std::shared_ptr<const ItemStore> open_with_rows_on_disk(const std::string& path,
                                                        const ItemStore& mapped, Load load) {
  return base::file_entry(path, "open the index", [&] { return open_codes(path, mapped, load); });
}

}  // namespace maxdot::store
