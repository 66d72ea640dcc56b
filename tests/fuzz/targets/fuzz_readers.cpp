// Files of any bytes to the readers of engine/io: an Error, or what stands in the file. What is
// read in parts is what is read whole.

#include <algorithm>
#include <string>
#include <string_view>

#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/index_writer.hpp"
#include "maxdot/io.hpp"
#include "property.hpp"
#include "reader_input.hpp"

namespace fuzz {
namespace {

using maxdot::IdPairs;
using maxdot::Index;
using maxdot::Matrix;
using maxdot::MatrixFile;
using maxdot::PairColumns;
using maxdot::PairFile;

using Input = std::span<const std::uint8_t>;

const unsigned char* bytes_of(const Matrix& matrix) {
  return static_cast<const unsigned char*>(matrix.data());
}

// fvecs and fbin are plain enough to say what right is.
void check_values(const Matrix& matrix, Reader reader, Input file) {
  const std::size_t row_bytes = matrix.cols() * sizeof(float);
  const std::size_t prefix = reader == Reader::matrix_fvecs ? sizeof(std::int32_t) : 0;
  const std::size_t begin = reader == Reader::matrix_fbin ? 2 * sizeof(std::uint32_t) : 0;
  require(file.size() == begin + matrix.rows() * (prefix + row_bytes), "all bytes are rows");
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    const std::size_t at = begin + r * (prefix + row_bytes) + prefix;
    require(std::equal(file.begin() + static_cast<std::ptrdiff_t>(at),
                       file.begin() + static_cast<std::ptrdiff_t>(at + row_bytes),
                       bytes_of(matrix) + r * row_bytes),
            "a row is the bytes of the file");
  }
}

void read_matrix(Reader reader, std::uint8_t options, Input file, const char* name) {
  const MatrixFile opened = MatrixFile::open(put(name, file));
  const Matrix all = opened.read_all();
  require(all.rows() == opened.rows() && all.cols() == opened.cols(), "read_all has every row");
  const std::size_t row_bytes = all.cols() * maxdot::size_of(all.dtype());
  require(all.rows() <= file.size() && all.rows() * row_bytes <= file.size(),
          "no more values than the file has bytes");
  if (reader != Reader::matrix_npy) check_values(all, reader, file);
  if (all.rows() == 0) return;
  const std::size_t begin = options % all.rows();
  const std::size_t count = (all.rows() - begin + 1) / 2;
  std::vector<unsigned char> part(count * row_bytes);
  opened.read(begin, count, part.data());
  require(std::equal(part.begin(), part.end(), bytes_of(all) + begin * row_bytes),
          "rows that are read alone are those of all");
}

PairColumns columns_of(std::uint8_t options) {
  constexpr const char* kNames[] = {"", "", "user_id", "item", "x"};
  return {kNames[options % 5], kNames[options / 5 % 5]};
}

void read_pairs(std::uint8_t options, Input file, const char* name) {
  const std::string path = put(name, file);
  const IdPairs all = maxdot::read_id_pairs(path, columns_of(options));
  require(all.first.size() == all.second.size(), "each user has an item");
  require(all.first.size() <= file.size(), "no more pairs than the file has bytes");
  PairFile opened = PairFile::open(path, columns_of(options));
  IdPairs part;
  std::size_t at = 0;
  while (opened.next(part, 1 + options % 7)) {
    const auto begin = static_cast<std::ptrdiff_t>(at);
    at += part.first.size();
    require(at <= all.first.size() && part.first.size() == part.second.size() &&
                std::equal(part.first.begin(), part.first.end(), all.first.begin() + begin) &&
                std::equal(part.second.begin(), part.second.end(), all.second.begin() + begin),
            "pairs that are read in parts are those of all");
  }
  require(at == all.first.size(), "parts have every pair");
}

void build(std::uint8_t options, Input file) {
  const MatrixFile opened = MatrixFile::open(put("items.npy", file));
  maxdot::BuildOptions build;
  build.metric = static_cast<maxdot::Metric>(options % 3);
  build.normalize = options % 2 == 1;
  build.threads = 1;
  const std::string path = memory_folder() + "/built";
  const std::uint64_t checksum = maxdot::build_file(opened, path, build);
  const Index index = Index::open(path, {.verify_codes = true, .threads = 1});
  require(index.info().checksum == checksum, "build_file returns the checksum of its file");
  const std::string saved = memory_folder() + "/saved";
  require(Index::build(opened.read_all(), build).save(saved) == checksum,
          "build_file writes what build and save write");
}

void find_columns(std::uint8_t options, Input file) {
  std::vector<std::string> names;
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  while (!text.empty() && names.size() < 16) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const maxdot::PairPlaces places = maxdot::find_pair_columns(names, columns_of(options));
  require(places.user < names.size() && places.item < names.size() && places.user != places.item,
          "the columns are two of those that there are");
}

void read(Reader reader, std::uint8_t options, Input file) {
  switch (reader) {
    case Reader::matrix_npy:
      return read_matrix(reader, options, file, "matrix.npy");
    case Reader::matrix_fvecs:
      return read_matrix(reader, options, file, "matrix.fvecs");
    case Reader::matrix_fbin:
      return read_matrix(reader, options, file, "matrix.fbin");
    case Reader::ids_npy:
    case Reader::ids_text: {
      const char* name = reader == Reader::ids_npy ? "ids.npy" : "ids.txt";
      try {
        for (const std::uint8_t value : maxdot::read_mask(put(name, file)))
          require(value <= 1, "a mask holds 0 and 1");
      } catch (const maxdot::Error&) {  // ids need not be a mask
      }
      require(maxdot::read_ids(put(name, file)).size() <= file.size(),
              "no more ids than the file has bytes");
      return;
    }
    case Reader::pairs_npy:
      return read_pairs(options, file, "pairs.npy");
    case Reader::pairs_text:
      return read_pairs(options, file, "pairs.csv");
    case Reader::build:
      return build(options, file);
    case Reader::columns:
      return find_columns(options, file);
  }
}

}  // namespace
}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  if (size < kReaderPrefix) return 0;
  try {
    read(reader_of(data[0]), data[1], {data + kReaderPrefix, size - kReaderPrefix});
  } catch (const maxdot::Error& error) {
    const std::string message = error.what();
    require(!message.empty() && message.find('\n') == std::string::npos,
            "an error says something, in one line");
  }
  return 0;
}
