// The .fvecs and .fbin formats of the nearest-neighbour benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/file.hpp"

namespace maxdot::io {

struct VecsShape {
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
};

/// .fbin: uint32 rows, uint32 dimension, then f32 values.
inline constexpr std::uint64_t fbin_header_bytes = 8;

/// Throws Error: bad_format for 0, unsupported beyond max_dimension.
void check_dimension(const std::string& path, std::uint64_t dimension);

/// Shape of a .fvecs file from its first row and its length. Throws Error: io, bad_format,
/// unsupported.
VecsShape read_fvecs_shape(const base::InputFile& file);

/// Reads rows [begin, begin + count) without their dimension fields, each of which must equal
/// `cols`. Holds about 1 MiB meanwhile. Throws Error: io, bad_format, out_of_memory.
void read_fvecs_rows(const base::InputFile& file, std::uint64_t cols, std::uint64_t begin,
                     std::size_t count, void* out);

/// Shape of a .fbin file; its length must match exactly. Throws Error: io, bad_format, unsupported.
VecsShape read_fbin_shape(const base::InputFile& file);

}  // namespace maxdot::io
