// The *.maxdot file: write it, map it. FORMAT.md is the specification.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store/item_store.hpp"

namespace maxdot::store {

/// Writes beside `path`, syncs, renames. Throws Error (io).
void write_file(const ItemStore& items, const std::string& path);

/// Maps the file. Header, section table, sizes and the file's length are always checked; with `verify_payload` also
/// every section's checksum and the padding. Throws Error: io, bad_format, unsupported, checksum_mismatch.
std::shared_ptr<const ItemStore> open_file(const std::string& path, bool verify_payload);

/// Bytes that write_file would write.
std::uint64_t file_bytes(const ItemStore& items);

}  // namespace maxdot::store
