// FileContents: all bytes of an index file, mapped or read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/file.hpp"
#include "maxdot/types.hpp"

namespace maxdot::store {

/// [bytes] Read, or written, between two looks whether the call shall end.
inline constexpr std::uint64_t kBytesPerStep = std::uint64_t{4} << 20;

struct FileContents {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  /// Keeps the bytes alive.
  std::shared_ptr<const void> owner;
};

/// The whole file. Throws Error: io, bad_format (it was cut short meanwhile), out_of_memory.
FileContents contents_of(const base::InputFile& file, Load load);

/// Memory for `bytes` bytes of the file, 64-byte aligned; with Load::locked it stays in RAM as long
/// as it lives. Throws Error (out_of_memory), which names the limit that forbids it.
std::shared_ptr<unsigned char> memory_for(const base::InputFile& file, std::size_t bytes,
                                          Load load);

/// InputFile::read_at, with looks whether the call shall end.
void read_in_steps(const base::InputFile& file, std::uint64_t offset, unsigned char* out,
                   std::size_t bytes);

}  // namespace maxdot::store
