// The *.maxdot file: write it, map it. FORMAT.md is the specification.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store/item_store.hpp"

namespace maxdot::store {

/// Writes beside `path`, syncs, renames. Returns the header's checksum. Throws Error: io,
/// out_of_memory, bad_format (rows on the disk, whose file was cut short), invalid_argument (the
/// path).
std::uint64_t write_file(const ItemStore& items, const std::string& path);

/// Maps the file. Header, section table, sizes and the file's length are always checked; with
/// `verify_payload` also every section's checksum and the padding; what else a file promises is for
/// verify.hpp. Throws Error: io, bad_format, unsupported, checksum_mismatch, out_of_memory,
/// invalid_argument (the path).
std::shared_ptr<const ItemStore> open_file(const std::string& path, bool verify_payload);

/// The same items, opened again: all but their rows read into memory, the rows left on the disk
/// (ItemStore::row_file). Throws as open_file, and Error (io) if another file has taken the place
/// of the one that was `mapped`.
std::shared_ptr<const ItemStore> open_with_rows_on_disk(const std::string& path,
                                                        const ItemStore& mapped);

/// Bytes that write_file would write.
std::uint64_t file_bytes(const ItemStore& items) noexcept;

}  // namespace maxdot::store
