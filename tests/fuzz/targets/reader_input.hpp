// What an input of fuzz_readers is: which reader, its options, then the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mutator.hpp"

namespace fuzz {

enum class Reader : std::uint8_t {
  matrix_npy,
  matrix_fvecs,
  matrix_fbin,
  ids_npy,
  ids_text,
  pairs_npy,
  pairs_text,
  build,    ///< an index of a .npy
  columns,  ///< names of columns, one a line
};
constexpr std::size_t kReaders = 9;
constexpr std::size_t kReaderPrefix = 2;  // [bytes] before the file

constexpr Reader reader_of(std::uint8_t byte) noexcept {
  return static_cast<Reader>(byte % kReaders);
}

/// A file that the reader can read, for the seeds.
Bytes fresh_file(Random& random, Reader reader);
/// A .npy of format `major`, whose header has this text; its length is right.
Bytes npy_file(const std::string& text, std::uint8_t major, const Bytes& data);

}  // namespace fuzz
