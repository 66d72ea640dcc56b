// What the mutators of all targets share: numbers that readers stumble over, and damage to plain
// bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "../random.hpp"

/// Of libFuzzer; standalone.cpp has one for builds without it. Returns the new size.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace fuzz {

using Bytes = std::vector<std::uint8_t>;

/// An integer that sizes and counts are likely to be wrong with; `now` is what stands there.
std::uint64_t nasty_integer(Random& random, std::uint64_t now);
/// A value that comparisons and bounds are likely to be wrong with: NaN, Inf, extremes, zeros.
double nasty_number(Random& random);

/// Some bytes of the range are damaged; its length stays.
void damage(Random& random, std::span<std::uint8_t> bytes);
/// As LLVMFuzzerMutate: bytes are changed, lost, repeated or put in, `most` at most.
void mutate_freely(Bytes& bytes, std::size_t most);

template <typename T>
T read_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <typename T>
void write_at(std::span<std::uint8_t> bytes, std::size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

/// For LLVMFuzzerCustomMutator: writes `made` to the fuzzer's memory, cut to `most`. Returns its
/// size.
std::size_t hand_over(const Bytes& made, std::uint8_t* data, std::size_t most);

}  // namespace fuzz
