// FileWriter: an index file whose sections come piece by piece, several of them in turn.
// FORMAT.md is the specification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/atomic_file.hpp"
#include "store/checksum.hpp"
#include "store/file_header.hpp"
#include "store/item_store.hpp"
#include "store/sections.hpp"

namespace maxdot::store {

class FileWriter {
 public:
  /// Of items with the counts and types of `items`; arrays are not looked at. Writes beside `path`
  /// (base::AtomicFile). Throws Error: io, out_of_memory, invalid_argument (the path).
  FileWriter(const std::string& path, const ItemStore& items, bool with_ids);

  /// The sections that are asked for, in the order of the file.
  const std::vector<Section>& sections() const noexcept { return sections_; }

  /// The next bytes of a section. Requires that it has room for them. Throws Error (io).
  void put(std::uint32_t kind, const void* data, std::uint64_t bytes);
  /// The same of what `items`, a part of those that the file is for, has in each section but that
  /// of ids. Requires whole tiles, unless the part is the last.
  void put_all(const ItemStore& items);

  /// Writes the header, syncs, renames. Returns the header's checksum. Requires that every section
  /// is whole. Throws Error: io, out_of_memory.
  std::uint64_t commit(double largest_square);

 private:
  base::AtomicFile file_;
  std::vector<Section> sections_;
  Header header_;
  std::vector<Checksum> checksums_;     // of the sections, as far as they were written
  std::vector<std::uint64_t> written_;  // bytes
};

}  // namespace maxdot::store
