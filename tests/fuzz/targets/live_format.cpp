#include "live_format.hpp"

#include <xxhash.h>

#include <algorithm>

#include "index_format.hpp"

namespace fuzz {
namespace {

constexpr std::size_t kFilePrefix = 5;  // [bytes] before each: its name, u32 its length
constexpr std::size_t kManifestSegmentBytes = 32;

std::uint64_t xxh(std::span<const std::uint8_t> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

const LiveFile* segment_of(const std::vector<LiveFile>& files, std::uint64_t number) {
  for (const LiveFile& file : files) {
    if (file.is_segment() && file.number() == number && file.bytes.size() >= kIndexHeaderBytes)
      return &file;
  }
  return nullptr;
}

void agree_manifest(std::span<std::uint8_t> bytes, const std::vector<LiveFile>& files) {
  const std::vector<std::size_t> segments = segments_in(bytes);
  write_at(bytes, 64, std::uint64_t{segments.size()});
  for (const std::size_t at : segments) {
    const LiveFile* segment = segment_of(files, read_at<std::uint64_t>(bytes, at));
    if (segment != nullptr) {
      write_at(bytes, at + 8, read_at<std::uint64_t>(segment->bytes, 56));
      // Other rows would move all that follows.
      if (read_at<std::uint64_t>(bytes, at + 24) == 0)
        write_at(bytes, at + 16, read_at<std::uint64_t>(segment->bytes, 24));
    }
  }
}

void repair_records(std::span<std::uint8_t> log, const std::vector<LiveFile>& files, bool agree,
                    std::uint64_t& version) {
  std::vector<std::size_t> records = records_in(log);
  records.pop_back();
  for (const std::size_t at : records) {
    const std::span<std::uint8_t> header = log.subspan(at, kRecordHeaderBytes);
    const auto bytes = read_at<std::uint64_t>(header, 8);
    const std::span<std::uint8_t> payload = log.subspan(at + kRecordHeaderBytes, bytes);
    const auto kind = read_at<std::uint32_t>(header, 4);
    if (agree && (kind == 3 || kind == 4) && bytes == 16) {
      const LiveFile* segment = segment_of(files, read_at<std::uint64_t>(payload, 0));
      if (segment != nullptr) write_at(payload, 8, read_at<std::uint64_t>(segment->bytes, 56));
    }
    if (agree) {
      if (version == 0) version = read_at<std::uint64_t>(header, 16);
      write_at(header, 16, version++);
    }
    write_at(header, 32, xxh(payload));
    write_at(header, 40, xxh(header.first(40)));
  }
}

}  // namespace

std::string LiveFile::file_name() const {
  if (is_manifest()) return "manifest";
  if (is_log()) return "log-" + std::to_string(number());
  return "segment-" + std::to_string(number()) + ".maxdot";
}

std::vector<LiveFile> unpack(std::span<const std::uint8_t> bytes) {
  std::vector<LiveFile> files;
  while (bytes.size() >= kFilePrefix) {
    const std::uint8_t name = bytes[0];
    const std::size_t told = read_at<std::uint32_t>(bytes, 1);
    bytes = bytes.subspan(kFilePrefix);
    const std::size_t size = std::min(told, bytes.size());
    files.push_back(
        {name, Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))});
    bytes = bytes.subspan(size);
  }
  return files;
}

Bytes pack(const std::vector<LiveFile>& files) {
  Bytes packed;
  for (const LiveFile& file : files) {
    const std::size_t at = packed.size();
    packed.resize(at + kFilePrefix);
    packed[at] = file.name;
    write_at(std::span(packed), at + 1, static_cast<std::uint32_t>(file.bytes.size()));
    packed.insert(packed.end(), file.bytes.begin(), file.bytes.end());
  }
  return packed;
}

std::vector<std::size_t> records_in(std::span<const std::uint8_t> log) {
  std::vector<std::size_t> found;
  std::size_t at = std::min(kLogHeaderBytes, log.size());
  while (log.size() - at >= kRecordHeaderBytes) {
    const auto bytes = read_at<std::uint64_t>(log, at + 8);
    if (bytes > log.size() - at - kRecordHeaderBytes) break;
    found.push_back(at);
    at += kRecordHeaderBytes + bytes;
  }
  found.push_back(at);
  return found;
}

std::vector<std::size_t> segments_in(std::span<const std::uint8_t> manifest) {
  std::vector<std::size_t> found;
  if (manifest.size() < kManifestHeaderBytes + 8) return found;
  const std::size_t end = manifest.size() - 8;
  std::size_t at = kManifestHeaderBytes;
  while (end - at >= kManifestSegmentBytes) {
    const auto rows = read_at<std::uint64_t>(manifest, at + 16);
    const auto dead = read_at<std::uint64_t>(manifest, at + 24);
    const std::uint64_t words = dead == 0 ? 0 : rows / 64 + (rows % 64 != 0 ? 1 : 0);
    if (words > (end - at - kManifestSegmentBytes) / 8) break;
    found.push_back(at);
    at += kManifestSegmentBytes + words * 8;
  }
  return found;
}

void repair_folder(std::vector<LiveFile>& files, bool agree) {
  std::uint64_t catalogue = 0;
  for (LiveFile& file : files) {
    if (file.is_segment()) repair_checksums(file.bytes);
  }
  for (LiveFile& file : files) {
    if (!file.is_manifest() || file.bytes.size() < kManifestHeaderBytes + 8) continue;
    const std::span<std::uint8_t> bytes(file.bytes);
    if (agree) agree_manifest(bytes, files);
    catalogue = read_at<std::uint64_t>(bytes, 32);
    write_at(bytes, bytes.size() - 8, xxh(bytes.first(bytes.size() - 8)));
  }
  std::uint64_t version = 0;
  for (LiveFile& file : files) {
    if (!file.is_log() || file.bytes.size() < kLogHeaderBytes) continue;
    const std::span<std::uint8_t> bytes(file.bytes);
    if (agree) {
      write_at(bytes, 16, catalogue);
      write_at(bytes, 24, file.number());
    }
    write_at(bytes, 32, xxh(bytes.first(32)));
    repair_records(bytes, files, agree, version);
  }
}

}  // namespace fuzz
