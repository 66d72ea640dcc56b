// Whole numbers in a .npy file, of whatever type they are.
#pragma once

#include <cstdint>
#include <vector>

#include "base/file.hpp"
#include "io/npy.hpp"

namespace maxdot::io {

enum class Bools { refused, as_numbers };

/// The values of a 1-D array of integers of 1, 2, 4 or 8 bytes, signed or not, or of bools, where
/// they count as 0 and 1. Throws Error: io, bad_format, unsupported (another type or shape),
/// invalid_data (beyond int64; names the row).
std::vector<std::int64_t> read_npy_integers(const base::InputFile& file, Bools bools);

}  // namespace maxdot::io
