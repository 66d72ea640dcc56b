// Records: what the log says of each change. FORMAT.md is the specification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "live/shape.hpp"

namespace maxdot::live {

enum class RecordKind : std::uint32_t { upsert = 1, remove = 2, attach = 3, replace = 4 };

/// What stands before the payload of each record.
struct RecordHeader {
  std::uint32_t magic;
  RecordKind kind;
  std::uint64_t payload_bytes;  // a multiple of 8
  std::uint64_t version;        // of the catalogue after the change
  std::uint64_t synced;         // the log was on the disk up to here when the record was written
  std::uint64_t payload_checksum;
  std::uint64_t checksum;  // of the members above
};
static_assert(sizeof(RecordHeader) == 48);

/// A record whose version and place are not known yet: room for the header, then the payload.
using RecordBytes = std::vector<unsigned char>;

// Throw std::bad_alloc. `rows`: [ids], of the shape, packed.
RecordBytes upsert_record(std::span<const std::int64_t> ids, const unsigned char* rows,
                          const Shape& shape);
RecordBytes remove_record(std::span<const std::int64_t> ids);
/// `kind`: attach or replace. `checksum`: that of the index (IndexInfo).
RecordBytes segment_record(RecordKind kind, std::uint64_t number, std::uint64_t checksum);

/// Writes the header.
void complete(RecordBytes& record, std::uint64_t version, std::uint64_t synced) noexcept;

/// Whether these bytes are a header of a record, as far as the header itself can tell.
bool is_header(const RecordHeader& header) noexcept;
std::uint64_t payload_checksum(std::span<const unsigned char> payload) noexcept;

/// The payloads, taken apart. They view it, and hold what it says: whether that fits the catalogue
/// is for the reader to check.
struct UpsertPayload {
  std::size_t dimension = 0;
  std::uint32_t dtype = 0;
  std::span<const std::int64_t> ids;
  std::span<const unsigned char> rows;
};
struct SegmentPayload {
  std::uint64_t number = 0;
  std::uint64_t checksum = 0;
};
/// Throw Error (bad_format) that names `path` if the payload is not what its kind has. Require a
/// payload at an address that is a multiple of 8.
UpsertPayload read_upsert(std::span<const unsigned char> payload, const std::string& path);
std::span<const std::int64_t> read_remove(std::span<const unsigned char> payload,
                                          const std::string& path);
SegmentPayload read_segment(std::span<const unsigned char> payload, const std::string& path);

}  // namespace maxdot::live
