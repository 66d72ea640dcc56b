// What every target asks for, and where its files are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace fuzz {

/// Says which rule does not hold and ends the process, so that the fuzzer keeps the input.
[[noreturn]] void broken(const std::string& rule);
inline void require(bool holds, const char* rule) {
  if (!holds) broken(rule);
}

/// A folder of this process, in memory where the system has such a place (TMPDIR decides); gone
/// when the process ends in order.
const std::string& memory_folder();
/// Writes a file of that folder, in place of what it held. Returns its path.
std::string put(const std::string& name, std::span<const std::uint8_t> bytes);
/// Removes whatever the folder holds.
void clear_memory_folder();

}  // namespace fuzz
