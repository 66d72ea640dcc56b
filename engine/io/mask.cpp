// read_mask: which items may be returned, from an array or a text file.
#include <cstdint>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "io/npy_integers.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

std::vector<std::int64_t> values_of(const std::string& path) {
  if (!path.ends_with(".npy")) return read_ids(path);
  return io::read_npy_integers(base::InputFile(path), io::Bools::as_numbers);
}

}  // namespace

std::vector<std::uint8_t> read_mask(const std::string& path) {
  return base::file_entry(path, "read its mask", [&] {
    const std::vector<std::int64_t> values = values_of(path);
    std::vector<std::uint8_t> mask(values.size());
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (values[row] != 0 && values[row] != 1) {
        throw Error(ErrorCode::invalid_data, path + ": row " + std::to_string(row) + " is " +
                                                 std::to_string(values[row]) +
                                                 "; give 1 for items that may be returned and 0 "
                                                 "for the others");
      }
      mask[row] = static_cast<std::uint8_t>(values[row]);
    }
    return mask;
  });
}

}  // namespace v0_1
}  // namespace maxdot
