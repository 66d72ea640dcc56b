// The *.maxdot file: write it, map it or read it. FORMAT.md is the specification.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "maxdot/types.hpp"
#include "store/item_store.hpp"

namespace maxdot::store {

/// Writes beside `path`, syncs, renames. Returns the header's checksum. Throws Error: io,
/// out_of_memory, bad_format (rows on the disk, whose file was cut short), invalid_argument (the
/// path).
std::uint64_t write_file(const ItemStore& items, const std::string& path);

/// Maps the file, or reads it. Header, section table, sizes and the file's length are always
/// checked; with `verify_payload`, and if it is read, also every section's checksum and the
/// padding; what else a file promises is for verify.hpp. Throws Error: io, bad_format, unsupported,
/// checksum_mismatch, out_of_memory, invalid_argument (the path).
std::shared_ptr<const ItemStore> open_file(const std::string& path, bool verify_payload,
                                           Load load = Load::map);

/// The same items, opened again: all but their rows read into memory, the rows left on the disk
/// (ItemStore::row_file). Throws as open_file, and Error (io) if another file has taken the place
/// of the one that was `mapped`.
std::shared_ptr<const ItemStore> open_with_rows_on_disk(const std::string& path,
                                                        const ItemStore& mapped,
                                                        Load load = Load::map);

/// Bytes that write_file would write.
std::uint64_t file_bytes(const ItemStore& items) noexcept;

}  // namespace maxdot::store
