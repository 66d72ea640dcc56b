#include "live/manifest.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/atomic_file.hpp"
#include "base/checked.hpp"
#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "live/version.hpp"
#include "maxdot/error.hpp"
#include "store/row_lookup.hpp"

namespace maxdot::live {
namespace {

struct Header {
  char magic[8];
  std::uint32_t format;
  std::uint32_t metric;
  std::uint32_t normalized;
  std::uint32_t dtype;
  std::uint64_t dimension;
  std::uint64_t catalogue;
  std::uint64_t version;
  std::uint64_t replaced;
  std::uint64_t first_log;
  std::uint64_t segments;
};
static_assert(sizeof(Header) == 72);

struct SegmentHeader {
  std::uint64_t number;
  std::uint64_t checksum;
  std::uint64_t rows;
  std::uint64_t dead;
};
static_assert(sizeof(SegmentHeader) == 32);

constexpr char kMagic[8] = {'M', 'A', 'X', 'D', 'O', 'T', 'M', 'F'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kWordBits = 64;

std::size_t words_of(std::uint64_t rows) {
  return static_cast<std::size_t>((rows + kWordBits - 1) / kWordBits);
}

void append(std::vector<unsigned char>& to, const void* data, std::size_t bytes) {
  const auto* from = static_cast<const unsigned char*>(data);
  to.insert(to.end(), from, from + bytes);
}

/// Reads one value after the other.
class Reader {
 public:
  Reader(const std::vector<unsigned char>& bytes, const std::string& path)
      : bytes_(bytes), path_(path) {}

  void take(void* out, std::uint64_t bytes) {
    if (bytes > left()) refuse();
    std::memcpy(out, bytes_.data() + at_, static_cast<std::size_t>(bytes));
    at_ += static_cast<std::size_t>(bytes);
  }
  std::size_t left() const noexcept { return bytes_.size() - at_; }
  [[noreturn]] void refuse() const {
    throw Error(ErrorCode::bad_format,
                path_ + ": is no manifest of a LiveIndex; restore the folder from a copy");
  }

 private:
  const std::vector<unsigned char>& bytes_;
  const std::string& path_;
  std::size_t at_ = 0;
};

Shape checked_shape(const Header& header, const Reader& reader) {
  const bool good =
      header.metric <= static_cast<std::uint32_t>(Metric::euclidean) && header.normalized <= 1 &&
      (header.dtype == static_cast<std::uint32_t>(DType::f32) ||
       header.dtype == static_cast<std::uint32_t>(DType::f16)) &&
      header.dimension >= 1 && header.dimension <= max_dimension && header.version >= 1 &&
      header.version < kMostVersions && header.replaced <= header.version;
  if (!good) reader.refuse();
  return {static_cast<Metric>(header.metric), header.normalized == 1,
          static_cast<DType>(header.dtype), static_cast<std::size_t>(header.dimension)};
}

ManifestSegment read_segment(Reader& reader) {
  SegmentHeader header;
  reader.take(&header, sizeof(header));
  ManifestSegment segment = {header.number, header.checksum, header.rows, {}};
  if (header.rows >= store::kNoRow || header.dead > header.rows) reader.refuse();
  if (header.dead == 0) return segment;
  if (words_of(header.rows) > reader.left() / sizeof(std::uint64_t)) reader.refuse();
  segment.dead_rows.reserve(static_cast<std::size_t>(header.dead));
  for (std::uint64_t first = 0; first < header.rows; first += kWordBits) {
    std::uint64_t bits = 0;
    reader.take(&bits, sizeof(bits));
    for (; bits != 0; bits &= bits - 1) {
      const std::uint64_t row = first + static_cast<std::uint64_t>(__builtin_ctzll(bits));
      if (row >= header.rows || segment.dead_rows.size() == header.dead) reader.refuse();
      segment.dead_rows.push_back(static_cast<std::uint32_t>(row));
    }
  }
  if (segment.dead_rows.size() != header.dead) reader.refuse();
  return segment;
}

}  // namespace

void write_manifest(const Manifest& manifest, const std::string& path) {
  base::file_entry(path, "write the manifest", [&] {
    std::vector<unsigned char> bytes;
    Header header = {};
    std::memcpy(header.magic, kMagic, sizeof(kMagic));
    header.format = kFormat;
    header.metric = static_cast<std::uint32_t>(manifest.shape.metric);
    header.normalized = manifest.shape.normalized ? 1 : 0;
    header.dtype = static_cast<std::uint32_t>(manifest.shape.dtype);
    header.dimension = manifest.shape.dimension;
    header.catalogue = manifest.catalogue;
    header.version = manifest.version;
    header.replaced = manifest.replaced;
    header.first_log = manifest.first_log;
    header.segments = manifest.segments.size();
    append(bytes, &header, sizeof(header));
    std::vector<std::uint64_t> bits;
    for (const ManifestSegment& segment : manifest.segments) {
      const SegmentHeader own = {segment.number, segment.checksum, segment.rows,
                                 segment.dead_rows.size()};
      append(bytes, &own, sizeof(own));
      if (segment.dead_rows.empty()) continue;
      bits.assign(words_of(segment.rows), 0);
      for (const std::uint32_t row : segment.dead_rows)
        bits[row / kWordBits] |= std::uint64_t{1} << (row % kWordBits);
      append(bytes, bits.data(), bits.size() * sizeof(std::uint64_t));
    }
    const std::uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
    append(bytes, &checksum, sizeof(checksum));
    base::AtomicFile file(path);
    file.write(bytes.data(), bytes.size());
    file.commit();
  });
}

Manifest read_manifest(const std::string& path, std::uint64_t* checksum) {
  return base::file_entry(path, "read the manifest", [&] {
    const base::InputFile file(path);
    std::vector<unsigned char> bytes(static_cast<std::size_t>(file.size()));
    file.read_at(0, bytes.data(), bytes.size());
    Reader reader(bytes, path);
    Header header;
    reader.take(&header, sizeof(header));
    if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) reader.refuse();
    if (header.format > kFormat) {
      throw Error(ErrorCode::unsupported, path + ": has format " + std::to_string(header.format) +
                                              ", written by a newer version; update maxdot");
    }
    std::uint64_t stored = 0;
    if (bytes.size() < sizeof(header) + sizeof(stored)) reader.refuse();
    std::memcpy(&stored, bytes.data() + bytes.size() - sizeof(stored), sizeof(stored));
    if (stored != XXH3_64bits(bytes.data(), bytes.size() - sizeof(stored))) {
      throw Error(
          ErrorCode::checksum_mismatch,
          path + ": its checksum is not that of its content; restore the folder from a copy");
    }
    if (checksum != nullptr) *checksum = stored;
    Manifest manifest;
    manifest.shape = checked_shape(header, reader);
    manifest.catalogue = header.catalogue;
    manifest.version = header.version;
    manifest.replaced = header.replaced;
    manifest.first_log = header.first_log;
    if (header.segments > reader.left() / sizeof(SegmentHeader)) reader.refuse();
    std::set<std::uint64_t> numbers;
    for (std::uint64_t s = 0; s < header.segments; ++s) {
      manifest.segments.push_back(read_segment(reader));
      if (!numbers.insert(manifest.segments.back().number).second) reader.refuse();
    }
    if (reader.left() != sizeof(stored)) reader.refuse();
    return manifest;
  });
}

}  // namespace maxdot::live
