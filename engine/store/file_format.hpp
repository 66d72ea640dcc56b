// The *.maxdot file: write it, map it. FORMAT.md is the specification.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store/item_store.hpp"

namespace maxdot::store {

/// Writes beside `path`, syncs, renames. Returns the header's checksum. Throws Error: io,
/// out_of_memory, invalid_argument (the path).
std::uint64_t write_file(const ItemStore& items, const std::string& path);

/// Maps the file. Header, section table, sizes and the file's length are always checked; with
/// `verify_payload` also every section's checksum and the padding; what else a file promises is for
/// verify.hpp. Throws Error: io, bad_format, unsupported, checksum_mismatch, out_of_memory,
/// invalid_argument (the path).
std::shared_ptr<const ItemStore> open_file(const std::string& path, bool verify_payload);

/// Bytes that write_file would write.
std::uint64_t file_bytes(const ItemStore& items) noexcept;

}  // namespace maxdot::store
