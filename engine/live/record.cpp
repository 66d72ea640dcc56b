#include "live/record.hpp"

#include <xxhash.h>

#include <cstring>
#include <string>

#include "base/checked.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {
namespace {

constexpr std::uint32_t kMagic = 0x524C444D;  // "MDLR"
constexpr std::size_t kWord = 8;

constexpr std::size_t padded(std::size_t bytes) { return (bytes + kWord - 1) / kWord * kWord; }

RecordBytes record(RecordKind kind, std::size_t payload_bytes) {
  RecordBytes made(sizeof(RecordHeader) + padded(payload_bytes));
  RecordHeader header = {};
  header.kind = kind;
  header.payload_bytes = padded(payload_bytes);
  std::memcpy(made.data(), &header, sizeof(header));
  return made;
}

/// Puts values one behind the other.
class Cursor {
 public:
  explicit Cursor(RecordBytes& bytes) : next_(bytes.data() + sizeof(RecordHeader)) {}
  void put(const void* data, std::size_t bytes) {
    if (bytes != 0) std::memcpy(next_, data, bytes);
    next_ += bytes;
  }
  void put(std::uint64_t value) { put(&value, sizeof(value)); }

 private:
  unsigned char* next_;
};

std::uint64_t word(std::span<const unsigned char> payload, std::size_t i) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, payload.data() + i * kWord, kWord);
  return value;
}

[[noreturn]] void refuse(const std::string& path) {
  throw Error(ErrorCode::bad_format,
              path +
                  ": holds a record that no version of maxdot writes; restore the folder from a "
                  "copy");
}

std::span<const std::int64_t> ids_at(std::span<const unsigned char> payload, std::size_t words,
                                     std::size_t count) noexcept {
  return {reinterpret_cast<const std::int64_t*>(payload.data() + words * kWord), count};
}

}  // namespace

RecordBytes upsert_record(std::span<const std::int64_t> ids, const unsigned char* rows,
                          const Shape& shape) {
  const std::size_t row_bytes = ids.size() * shape.row_bytes();
  RecordBytes made = record(RecordKind::upsert, 3 * kWord + ids.size_bytes() + row_bytes);
  Cursor cursor(made);
  cursor.put(ids.size());
  cursor.put(shape.dimension);
  cursor.put(static_cast<std::uint64_t>(shape.dtype));
  cursor.put(ids.data(), ids.size_bytes());
  cursor.put(rows, row_bytes);
  return made;
}

RecordBytes remove_record(std::span<const std::int64_t> ids) {
  RecordBytes made = record(RecordKind::remove, kWord + ids.size_bytes());
  Cursor cursor(made);
  cursor.put(ids.size());
  cursor.put(ids.data(), ids.size_bytes());
  return made;
}

RecordBytes segment_record(RecordKind kind, std::uint64_t number, std::uint64_t checksum) {
  RecordBytes made = record(kind, 2 * kWord);
  Cursor cursor(made);
  cursor.put(number);
  cursor.put(checksum);
  return made;
}

std::uint64_t payload_checksum(std::span<const unsigned char> payload) noexcept {
  return XXH3_64bits(payload.data(), payload.size());
}

void complete(RecordBytes& record, std::uint64_t version, std::uint64_t synced) noexcept {
  RecordHeader header;
  std::memcpy(&header, record.data(), sizeof(header));
  header.magic = kMagic;
  header.version = version;
  header.synced = synced;
  header.payload_checksum =
      payload_checksum(std::span(record.data(), record.size()).subspan(sizeof(header)));
  header.checksum = XXH3_64bits(&header, offsetof(RecordHeader, checksum));
  std::memcpy(record.data(), &header, sizeof(header));
}

bool is_header(const RecordHeader& header) noexcept {
  return header.magic == kMagic && header.payload_bytes % kWord == 0 &&
         header.checksum == XXH3_64bits(&header, offsetof(RecordHeader, checksum));
}

UpsertPayload read_upsert(std::span<const unsigned char> payload, const std::string& path) {
  if (payload.size() < 3 * kWord) refuse(path);
  const std::uint64_t count = word(payload, 0);
  UpsertPayload read;
  read.dimension = static_cast<std::size_t>(word(payload, 1));
  const std::uint64_t dtype = word(payload, 2);
  if (dtype != static_cast<std::uint64_t>(DType::f32) &&
      dtype != static_cast<std::uint64_t>(DType::f16))
    refuse(path);
  read.dtype = static_cast<std::uint32_t>(dtype);
  const std::size_t value = size_of(static_cast<DType>(dtype));
  const std::size_t rest = payload.size() - 3 * kWord;
  if (read.dimension == 0 || read.dimension > max_dimension || count > rest / kWord) refuse(path);
  const auto row_bytes = base::checked_mul(count, read.dimension * value);
  if (!row_bytes || *row_bytes > rest || padded(count * kWord + *row_bytes) != rest) refuse(path);
  read.ids = ids_at(payload, 3, static_cast<std::size_t>(count));
  read.rows =
      payload.subspan(3 * kWord + read.ids.size_bytes(), static_cast<std::size_t>(*row_bytes));
  return read;
}

std::span<const std::int64_t> read_remove(std::span<const unsigned char> payload,
                                          const std::string& path) {
  if (payload.size() < kWord || word(payload, 0) != (payload.size() - kWord) / kWord) refuse(path);
  return ids_at(payload, 1, static_cast<std::size_t>(word(payload, 0)));
}

SegmentPayload read_segment(std::span<const unsigned char> payload, const std::string& path) {
  if (payload.size() != 2 * kWord) refuse(path);
  return {word(payload, 0), word(payload, 1)};
}

}  // namespace maxdot::live
