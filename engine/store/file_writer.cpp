#include "store/file_writer.hpp"

#include <algorithm>

namespace maxdot::store {
namespace {

// [bytes] Checked and written at a time, so that what was checked is written from a cache.
constexpr std::uint64_t kBytesAtOnce = std::uint64_t{1} << 20;

}  // namespace

FileWriter::FileWriter(const std::string& path, const ItemStore& items, bool with_ids)
    : file_(path),
      sections_(lay_out(items, with_ids)),
      header_(make_header(items, sections_)),
      checksums_(sections_.size()),
      written_(sections_.size()) {
  // What stands between sections, and at the end, is zeros.
  file_.extend(header_.file_bytes);
}

void FileWriter::put(std::uint32_t kind, const void* data, std::uint64_t bytes) {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [kind](const Section& section) { return section.kind == kind; });
  const auto i = static_cast<std::size_t>(found - sections_.begin());
  const auto* from = static_cast<const unsigned char*>(data);
  while (bytes != 0) {
    const auto some = static_cast<std::size_t>(std::min(bytes, kBytesAtOnce));
    checksums_[i].update(from, some);
    file_.write_at(found->offset + written_[i], from, some);
    written_[i] += some;
    from += some;
    bytes -= some;
  }
}

void FileWriter::put_all(const ItemStore& items) {
  for (const SectionKind& kind : section_kinds()) {
    if (kind.number != kIdsSection)
      put(kind.number, kind.get(items), section_elements(kind, items) * kind.element_bytes(items));
  }
}

std::uint64_t FileWriter::commit(double largest_square) {
  for (std::size_t i = 0; i < sections_.size(); ++i) sections_[i].checksum = checksums_[i].digest();
  header_.largest_square = largest_square;
  header_.checksum = header_checksum(header_, sections_);
  file_.write_at(0, &header_, sizeof(header_));
  file_.write_at(sizeof(header_), sections_.data(), sections_.size() * sizeof(Section));
  file_.commit();
  return header_.checksum;
}

}  // namespace maxdot::store
