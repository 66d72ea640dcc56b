// The header of a NumPy .npy file: read and checked, or written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace maxdot::io {

struct NpyHeader {
  std::string descr;  // as written, e.g. "<f4"; a structured dtype starts with '[' or '('
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t data_offset = 0;
};

/// Parses the header of a format 1.0, 2.0 or 3.0 file. Throws Error: io, bad_format, unsupported.
NpyHeader read_npy_header(const base::InputFile& file);

/// Throws Error (bad_format) unless exactly the array's bytes follow the header.
void check_npy_payload(const base::InputFile& file, const NpyHeader& header,
                       std::uint64_t element_bytes);

/// The Error (unsupported) that names a dtype in words and says how to convert it to `wanted`.
[[noreturn]] void refuse_npy_dtype(const std::string& path, const NpyHeader& header,
                                   const char* wanted);

/// Magic, version and header of a C-order array: what precedes the data. Its length is a multiple
/// of 64.
std::string make_npy_header(std::string_view descr, std::uint64_t rows, std::uint64_t cols);

/// Text from a file made fit for a one-line message: in quotes, short, printable.
std::string quoted(std::string_view text);

}  // namespace maxdot::io
