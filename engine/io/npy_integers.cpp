#include "io/npy_integers.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "maxdot/error.hpp"

namespace maxdot::io {
namespace {

// [values] Read at once.
constexpr std::size_t kBlock = 65536;

template <typename T>
std::vector<std::int64_t> read_as(const base::InputFile& file, const NpyHeader& header) {
  check_npy_payload(file, header, sizeof(T));
  const auto count = static_cast<std::size_t>(header.shape[0]);
  std::vector<std::int64_t> values(count);
  std::vector<T> block(std::min(count, kBlock));
  for (std::size_t done = 0; done < count;) {
    const std::size_t n = std::min(count - done, block.size());
    file.read_at(header.data_offset + done * sizeof(T), block.data(), n * sizeof(T));
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::in_range<std::int64_t>(block[i])) {
        throw Error(ErrorCode::invalid_data, file.path() + ": row " + std::to_string(done + i) +
                                                 " is " + std::to_string(block[i]) +
                                                 ", which exceeds int64; use smaller numbers");
      }
      values[done + i] = static_cast<std::int64_t>(block[i]);
    }
    done += n;
  }
  return values;
}

}  // namespace

std::vector<std::int64_t> read_npy_integers(const base::InputFile& file, Bools bools) {
  const NpyHeader header = read_npy_header(file);
  using Read = std::vector<std::int64_t> (*)(const base::InputFile&, const NpyHeader&);
  static constexpr std::pair<std::string_view, Read> kTypes[] = {
      {"<i8", read_as<std::int64_t>},  {"<i4", read_as<std::int32_t>},
      {"<i2", read_as<std::int16_t>},  {"|i1", read_as<std::int8_t>},
      {"<u8", read_as<std::uint64_t>}, {"<u4", read_as<std::uint32_t>},
      {"<u2", read_as<std::uint16_t>}, {"|u1", read_as<std::uint8_t>},
      {"|b1", read_as<std::uint8_t>},
  };
  for (const auto& [descr, read] : kTypes) {
    if (header.descr != descr || (descr == "|b1" && bools == Bools::refused)) continue;
    if (header.shape.size() != 1) {
      throw Error(ErrorCode::unsupported, file.path() + ": the array is " +
                                              std::to_string(header.shape.size()) +
                                              "-D, not 1-D; convert with x.reshape(-1)");
    }
    return read(file, header);
  }
  refuse_npy_dtype(file.path(), header, "int64");
}

}  // namespace maxdot::io
