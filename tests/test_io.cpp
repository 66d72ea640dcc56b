// Files in and out: round trips, every malformed kind refused by name, mutation fuzz, atomic replacement.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace {

namespace fs = std::filesystem;
using maxdot::DType;
using maxdot::Error;
using maxdot::ErrorCode;
using maxdot::Matrix;
using maxdot::MatrixFile;
using maxdot::MatrixWriter;
using maxdot::base::AtomicFile;
using maxdot::base::InputFile;
using maxdot::base::MappedFile;
using Format = maxdot::MatrixWriter::Format;

// A directory of the test's own, gone when the test is.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "maxdot-test-io-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  std::string operator/(const std::string& name) const { return (root_ / name).string(); }
  std::string put(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }
  std::string get(const std::string& name) const {
    std::ifstream in(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
  }

 private:
  fs::path root_;
};

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string npy_text(const std::string& text, const std::string& data = "", char major = 1) {
  std::string bytes = std::string("\x93NUMPY") + major + '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return bytes + text + data;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data, char major = 1) {
  return npy_text("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }   \n", data,
                  major);
}

std::string fvecs_row(std::int32_t dimension, const std::vector<float>& values) {
  return bytes_of(std::vector<std::int32_t>{dimension}) + bytes_of(values);
}

std::string fbin(std::uint32_t rows, std::uint32_t cols, const std::vector<float>& values) {
  return bytes_of(std::vector<std::uint32_t>{rows, cols}) + bytes_of(values);
}

std::vector<float> floats(const Matrix& matrix) {
  REQUIRE(matrix.dtype() == DType::f32);
  std::vector<float> values(matrix.rows() * matrix.cols());
  if (!values.empty()) std::memcpy(values.data(), matrix.data(), values.size() * sizeof(float));
  return values;
}

const std::vector<float> six = {1, -2, 3.5F, 4, 5, -6};

// `call` must throw an Error of this code whose one line names the file and holds `part`.
template <typename Call>
void check_refused(Call call, ErrorCode code, const std::string& path, const std::string& part) {
  try {
    call();
    FAIL_CHECK(path << " was accepted; expected: " << part);
  } catch (const Error& error) {
    const std::string message = error.what();
    INFO(message);
    CHECK(error.code() == code);
    CHECK(message.starts_with(path + ": "));
    CHECK(message.find(part) != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  }
}

}  // namespace

TEST_CASE("io: every format of embeddings reads back what was written") {
  const Folder folder;
  for (const char major : {'\1', '\2', '\3'}) {
    const MatrixFile file = MatrixFile::open(folder.put("a.npy", npy("'<f4'", "(2, 3)", bytes_of(six), major)));
    CHECK(file.rows() == 2);
    CHECK(file.cols() == 3);
    CHECK(file.path() == folder / "a.npy");
    CHECK(floats(file.read_all()) == six);
  }
  CHECK(floats(MatrixFile::open(folder.put("a.fbin", fbin(2, 3, six))).read_all()) == six);
  const std::string rows = fvecs_row(3, {1, -2, 3.5F}) + fvecs_row(3, {4, 5, -6});
  const MatrixFile fvecs = MatrixFile::open(folder.put("a.fvecs", rows));
  CHECK(floats(fvecs.read_all()) == six);

  std::vector<float> second(3);
  fvecs.read(1, 1, second.data());
  CHECK(second == std::vector<float>{4, 5, -6});
  fvecs.read(2, 0, nullptr);
  check_refused([&] { fvecs.read(1, 2, second.data()); }, ErrorCode::invalid_argument, folder / "a.fvecs",
                "rows");

  const MatrixFile half =
      MatrixFile::open(folder.put("h.npy", npy("'<f2'", "(3, 2)", bytes_of(six).substr(0, 12))));
  CHECK(half.dtype() == DType::f16);
  CHECK(std::memcmp(half.read_all().data(), six.data(), 12) == 0);

  CHECK(MatrixFile::open(folder.put("one.npy", npy("'<f4'", "(6,)", bytes_of(six)))).rows() == 1);
  const Matrix none = MatrixFile::open(folder.put("none.npy", npy("'<f4'", "(0, 5)", ""))).read_all();
  CHECK(none.rows() == 0);
  CHECK(none.cols() == 5);
  // Spellings that other writers use: other quotes and key order, no comma or newline at the end, Python 2
  // longs.
  const std::string other = "{\"shape\":(2L,3L),\"fortran_order\":False,\"descr\":\"<f4\"}";
  CHECK(floats(MatrixFile::open(folder.put("o.npy", npy_text(other, bytes_of(six)))).read_all()) == six);
}

TEST_CASE("io: .fvecs longer than the read buffer, and a row of another dimension in its middle") {
  const Folder folder;
  constexpr std::size_t rows = 5000;
  constexpr std::size_t cols = 100;
  std::string bytes;
  std::vector<float> all;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::vector<float> row(cols, static_cast<float>(r));
    all.insert(all.end(), row.begin(), row.end());
    bytes += fvecs_row(cols, row);
  }
  CHECK(floats(MatrixFile::open(folder.put("long.fvecs", bytes)).read_all()) == all);
  bytes[4321 * 404] = 99;
  const MatrixFile bad = MatrixFile::open(folder.put("bad.fvecs", bytes));
  check_refused([&] { bad.read_all(); }, ErrorCode::bad_format, folder / "bad.fvecs",
                "row 4321 has dimension 99");
  std::vector<float> row(cols);
  bad.read(4322, 1, row.data());
  CHECK(row[0] == 4322.0F);
}

TEST_CASE("io: malformed embeddings are refused by name") {
  const Folder folder;
  const std::string good = npy("'<f4'", "(2, 3)", bytes_of(six));
  const auto bad = ErrorCode::bad_format;
  const auto unsupported = ErrorCode::unsupported;
  struct Case {
    const char* ending;
    std::string bytes;
    ErrorCode code;
    const char* part;
  };
  const std::string cut_length = std::string("\x93NUMPY\x02\0\x10\0", 10);
  for (const Case& c : std::vector<Case>{
           {".npy", "", bad, "too short"},
           {".npy", good.substr(0, 5), bad, "too short"},
           {".npy", cut_length, bad, "ends after"},
           {".npy", "PK\3\4" + good, bad, "does not start"},
           {".npy", npy("'<f4'", "(2, 3)", bytes_of(six), '\4'), unsupported, "format 4.0"},
           {".npy", good.substr(0, 40), bad, "ends after"},
           {".npy", npy_text(std::string(70000, ' '), "", '\2'), unsupported, "header of 70000"},
           {".npy", npy_text("garbage\n\x01\xff"), bad, "expected '{'"},
           {".npy", npy_text(""), bad, "expected '{'"},
           {".npy", npy_text("{'descr': '<f4', 'shape': (2, 3)}"), bad, "missing"},
           {".npy", npy_text("{'descr': '<f4', 'descr': '<f4'}"), bad, "twice"},
           {".npy", npy_text("{'descr': '<f4"), bad, "does not end"},
           {".npy", npy_text("{'fortran_order': 0}"), bad, "True nor False"},
           {".npy", npy_text("{'shape': (x)}"), bad, "expected a size"},
           {".npy", npy("[('a', '<f4'", "(2, 3)", ""), bad, "bracket"},
           {".npy", npy_text(good.substr(10, 70) + " x"), bad, "bad .npy header"},
           {".npy", npy("'<f4'", "(4611686018427387904, 4)", ""), bad, "more than 2^64"},
           {".npy", npy("'<f4'", "(99999999999999999999, 4)", ""), bad, "exceeds 64 bits"},
           {".npy", npy("'<f4'", "(-2, 3)", bytes_of(six)), bad, "negative"},
           {".npy", npy("'<f4'", "(2, 0)", ""), bad, "dimension is 0"},
           {".npy", npy("'<f4'", "(0, 40000)", ""), unsupported, "dimension 40000"},
           {".npy", npy("'<f4'", "()", "1234"), unsupported, "0-D"},
           {".npy", npy("'<f4'", "(1, 2, 3)", bytes_of(six)), unsupported, "3-D"},
           {".npy", good.substr(0, good.size() - 1), bad, "cut short"},
           {".npy", good + "x", bad, "trailing bytes"},
           {".npy", npy_text("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", bytes_of(six)),
            unsupported, "Fortran"},
           {".npy", npy("'<f8'", "(1, 3)", bytes_of(six)), unsupported,
            "dtype '<f8' (float64) is not supported; convert with x.astype('float32')"},
           {".npy", npy("'>f4'", "(2, 3)", bytes_of(six)), unsupported, "'>f4' (big-endian float32)"},
           {".npy", npy("'<i4'", "(2, 3)", bytes_of(six)), unsupported, "(int32)"},
           {".npy", npy("'|u1'", "(2, 12)", bytes_of(six)), unsupported, "(uint8)"},
           {".npy", npy("'|b1'", "(2, 12)", bytes_of(six)), unsupported, "(bool)"},
           {".npy", npy("'<c8'", "(1, 3)", bytes_of(six)), unsupported, "(complex64)"},
           {".npy", npy("'|O'", "(2, 3)", "pickle"), unsupported, "(Python objects)"},
           {".npy", npy("'<U8'", "(2, 3)", ""), unsupported, "(text)"},
           {".npy", npy("'|V2'", "(2, 6)", bytes_of(six)), unsupported, "bfloat16"},
           {".npy", npy("[('a', '<f4'), ('b]', '<i8', (2,))]", "(2,)", ""), unsupported, "(structured)"},
           {".npy", npy("'\n\x01 odd'", "(2, 3)", ""), unsupported, "'?? odd'"},
           {".fvecs", "", bad, "does not tell its dimension"},
           {".fvecs", "abc", bad, "too short"},
           {".fvecs", fvecs_row(-3, six), bad, "negative dimension -3"},
           {".fvecs", fvecs_row(0, six), bad, "dimension is 0"},
           {".fvecs", fvecs_row(40000, six), unsupported, "dimension 40000"},
           {".fvecs", fvecs_row(6, six) + "x", bad, "no whole number of rows"},
           {".fvecs", fvecs_row(6, six) + fvecs_row(5, {1, 2, 3, 4, 5}), bad, "rows differ in dimension"},
           {".fvecs", fvecs_row(6, six) + fvecs_row(-6, six), bad, "row 1 has dimension -6"},
           {".fbin", "1234567", bad, "too short"},
           {".fbin", fbin(2, 0, {}), bad, "dimension is 0"},
           {".fbin", fbin(2, 0xffffffff, six), unsupported, "dimension 4294967295"},
           {".fbin", fbin(0xffffffff, 32768, six), bad, "cut short"},
           {".fbin", fbin(3, 3, six), bad, "cut short"},
           {".fbin", fbin(1, 3, six), bad, "trailing bytes"},
           {".txt", "1 2 3", unsupported, "must end in .npy"}}) {
    const std::string path = folder.put(std::string("bad") + c.ending, c.bytes);
    check_refused([&] { MatrixFile::open(path).read_all(); }, c.code, path, c.part);
  }
  for (const char* name : {"missing.npy", "missing.fvecs", "missing/x.fbin"}) {
    check_refused([&] { MatrixFile::open(folder / name); }, ErrorCode::io, folder / name, "cannot open");
  }
  fs::create_directory(folder / "folder.npy");
  check_refused([&] { MatrixFile::open(folder / "folder.npy"); }, ErrorCode::io, folder / "folder.npy",
                "directory");
  REQUIRE(::mkfifo((folder / "pipe.npy").c_str(), 0600) == 0);
  check_refused([&] { MatrixFile::open(folder / "pipe.npy"); }, ErrorCode::io, folder / "pipe.npy", "regular");
}

TEST_CASE("io: a file that shrinks after it was opened is an error, not garbage") {
  const Folder folder;
  const MatrixFile file = MatrixFile::open(folder.put("a.fbin", fbin(2, 3, six)));
  fs::resize_file(folder / "a.fbin", 20);
  check_refused([&] { file.read_all(); }, ErrorCode::bad_format, folder / "a.fbin", "12 bytes too early");
}

TEST_CASE("io: ids from arrays and from text") {
  const Folder folder;
  using Ids = std::vector<std::int64_t>;
  const Ids ids = {7, 0, 9007199254740993};
  CHECK(maxdot::read_ids(folder.put("i8.npy", npy("'<i8'", "(3,)", bytes_of(ids)))) == ids);
  std::vector<std::int32_t> narrow(70000);  // more than one block
  for (std::size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<std::int32_t>(i) - 1;
  CHECK(maxdot::read_ids(folder.put("i4.npy", npy("'<i4'", "(70000,)", bytes_of(narrow)))) ==
        Ids(narrow.begin(), narrow.end()));
  CHECK(maxdot::read_ids(folder.put("none.npy", npy("'<i8'", "(0,)", ""))).empty());
  for (const char* text :
       {"7\n0\n9007199254740993\n", "7\r\n 0\t\r\n9007199254740993", "7\n0\n9007199254740993\n\n \n"}) {
    CHECK(maxdot::read_ids(folder.put("ids.txt", text)) == ids);
  }
  CHECK(maxdot::read_ids(folder.put("ids.txt", "")).empty());
  CHECK(maxdot::read_ids(folder.put("ids.txt", "-1\n9223372036854775807")) == Ids{-1, 9223372036854775807});
  std::string many;  // lines that straddle the read buffer
  Ids expected;
  for (std::int64_t i = 0; i < 400000; ++i) {
    many += std::to_string(i) + "\n";
    expected.push_back(i);
  }
  CHECK(maxdot::read_ids(folder.put("many.txt", many)) == expected);

  const auto refuse = [&](const char* name, const std::string& bytes, ErrorCode code, const char* part) {
    const std::string path = folder.put(name, bytes);
    check_refused([&] { maxdot::read_ids(path); }, code, path, part);
  };
  refuse("x.txt", "1\ntwo\n3", ErrorCode::bad_format, "line 2: 'two'");
  refuse("x.txt", "1\n2 3\n", ErrorCode::bad_format, "line 2: '2 3'");
  refuse("x.txt", "1\n1.5\n", ErrorCode::bad_format, "line 2: '1.5'");
  refuse("x.txt", "1\n\n\n3\n", ErrorCode::bad_format, "line 2: is blank");
  refuse("x.txt", "9223372036854775808", ErrorCode::bad_format, "exceeds 64 bits");
  refuse("x.txt", std::string(5000, '1'), ErrorCode::bad_format, "line 1 is too long");
  refuse("x.npy", npy("'<f8'", "(3,)", bytes_of(ids)), ErrorCode::unsupported, "x.astype('int64')");
  refuse("x.npy", npy("'>i8'", "(3,)", bytes_of(ids)), ErrorCode::unsupported, "big-endian int64");
  refuse("x.npy", npy("'<i8'", "(3, 1)", bytes_of(ids)), ErrorCode::unsupported, "x.reshape(-1)");
  refuse("x.npy", npy("'<i8'", "(2,)", bytes_of(ids)), ErrorCode::bad_format, "trailing bytes");
  refuse("x.npy", npy("'<i8'", "(4,)", bytes_of(ids)), ErrorCode::bad_format, "cut short");
  check_refused([&] { maxdot::read_ids(folder / "no.txt"); }, ErrorCode::io, folder / "no.txt", "cannot open");
}

TEST_CASE("io: pairs from arrays and from text") {
  const Folder folder;
  using Ids = std::vector<std::int64_t>;
  const Ids flat = {0, 7, 5, -3, 5, 9007199254740993};
  const Ids first = {0, 5, 5};
  const Ids second = {7, -3, 9007199254740993};
  const auto reads = [&](const char* name, const std::string& bytes) {
    const maxdot::IdPairs pairs = maxdot::read_id_pairs(folder.put(name, bytes));
    return pairs.first == first && pairs.second == second;
  };
  CHECK(reads("p.npy", npy("'<i8'", "(3, 2)", bytes_of(flat))));
  CHECK(reads("p.csv", "0,7\n5,-3\n5,9007199254740993\n"));
  CHECK(reads("p.csv", "user,item,rating\r\n0,7,4.5\r\n\r\n5;-3;1\r\n 5\t9007199254740993\r\n\r\n"));
  std::vector<std::int32_t> narrow(140000);  // more than one block
  for (std::size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<std::int32_t>(i);
  const maxdot::IdPairs many =
      maxdot::read_id_pairs(folder.put("n.npy", npy("'<i4'", "(70000, 2)", bytes_of(narrow))));
  REQUIRE(many.first.size() == 70000);
  CHECK(many.first[69999] == 139998);
  CHECK(many.second[69999] == 139999);
  CHECK(maxdot::read_id_pairs(folder.put("none.csv", "")).first.empty());

  const auto refuse = [&](const char* name, const std::string& bytes, ErrorCode code, const char* part) {
    const std::string path = folder.put(name, bytes);
    check_refused([&] { maxdot::read_id_pairs(path); }, code, path, part);
  };
  refuse("x.csv", "1,2\n3\n", ErrorCode::bad_format, "line 2: '3' is no pair");
  refuse("x.csv", "1,2\n3,\n", ErrorCode::bad_format, "line 2: '3,' is no pair");
  refuse("x.csv", "1,2\n3,4x\n", ErrorCode::bad_format, "line 2: '3,4x' is no pair");
  refuse("x.csv", "1,2\n3,9223372036854775808\n", ErrorCode::bad_format, "line 2: ");
  refuse("x.csv", std::string(5000, '1'), ErrorCode::bad_format, "line 1 is too long for a pair");
  refuse("x.npy", npy("'<i8'", "(6,)", bytes_of(flat)), ErrorCode::unsupported, "[m, 2]");
  refuse("x.npy", npy("'<i8'", "(2, 3)", bytes_of(flat)), ErrorCode::unsupported, "[m, 2]");
  refuse("x.npy", npy("'<f8'", "(3, 2)", bytes_of(flat)), ErrorCode::unsupported, "x.astype('int64')");
  refuse("x.npy", npy("'<i8'", "(4, 2)", bytes_of(flat)), ErrorCode::bad_format, "cut short");
}

TEST_CASE("io: MatrixWriter writes what readers expect") {
  const Folder folder;
  const std::vector<double> scores = {0.1, -2, 1e-50, 4, 5, 6};
  const std::vector<float> rounded = {0.1F, -2, 0, 4, 5, 6};
  const std::vector<std::int64_t> ids = {1, -1, 2147483647, 4, 5, 6};
  const auto write = [&](const char* name, Format format, const auto& values) {
    MatrixWriter writer(folder / name, format, 2, 3);
    writer.append(values.data(), 1);
    writer.append(values.data() + 3, 1);
    CHECK_FALSE(fs::exists(folder / name));
    writer.commit();
    CHECK_THROWS_AS(writer.commit(), Error);
  };
  write("s.npy", Format::npy_f32, scores);
  write("s.fvecs", Format::fvecs, scores);
  write("i.npy", Format::npy_i64, ids);
  write("i.ivecs", Format::ivecs, ids);
  CHECK(floats(MatrixFile::open(folder / "s.npy").read_all()) == rounded);
  CHECK(floats(MatrixFile::open(folder / "s.fvecs").read_all()) == rounded);
  CHECK(folder.get("i.ivecs") == bytes_of(std::vector<std::int32_t>{3, 1, -1, 2147483647, 3, 4, 5, 6}));
  const std::string array = folder.get("i.npy");
  REQUIRE(array.size() == 128 + 48);
  CHECK(array.substr(0, 72) == std::string("\x93NUMPY\1\0\x76\0", 10) +
                                   "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }   ");
  CHECK(array[127] == '\n');
  CHECK(array.substr(128) == bytes_of(ids));

  const std::string path = folder / "x.ivecs";
  {
    MatrixWriter writer(path, Format::ivecs, 2, 3);
    const std::vector<std::int64_t> wide = {1, 2, 3, 4, 5, 2147483648};
    check_refused([&] { writer.append(wide.data(), 2); }, ErrorCode::invalid_data, path,
                  "row 1: id 2147483648");
    check_refused([&] { writer.append(scores.data(), 1); }, ErrorCode::invalid_argument, path, "holds ids");
    check_refused([&] { writer.append(ids.data(), 3); }, ErrorCode::invalid_argument, path, "more than the 2");
    writer.append(ids.data(), 1);
    check_refused([&] { writer.commit(); }, ErrorCode::invalid_argument, path, "only 1 of 2");
  }
  const auto create = [&](std::size_t rows, std::size_t cols) {
    MatrixWriter(path, Format::ivecs, rows, cols);
  };
  check_refused([&] { create(1, 0); }, ErrorCode::invalid_argument, path, "rows of 0 values");
  check_refused([&] { create(1, std::size_t{1} << 31); }, ErrorCode::invalid_argument, path, "values");
  check_refused([&] { create(~std::size_t{0}, 9); }, ErrorCode::invalid_argument, path, "than a file can hold");
  CHECK(folder.entries() == 4);
}

TEST_CASE("io: damaged files are parsed or refused, nothing else") {
  const Folder folder;
  const std::vector<std::pair<std::string, std::string>> seeds = {
      {"f.npy", npy("'<f4'", "(2, 3)", bytes_of(six))},
      {"v2.npy", npy("'<f2'", "(4, 3)", bytes_of(six), '\2')},
      {"s.npy", npy("[('a', '<f4'), ('b', '<i8', (2,))]", "(2,)", bytes_of(six))},
      {"i.npy", npy("'<i8'", "(3,)", bytes_of(six))},
      {"f.fvecs", fvecs_row(3, {1, 2, 3}) + fvecs_row(3, {4, 5, 6})},
      {"f.fbin", fbin(2, 3, six)},
      {"p.npy", npy("'<i4'", "(3, 2)", bytes_of(six))},
      {"ids.txt", "12\n-5\n900\r\n77\n"},
      {"pairs.txt", "12,4\n5,900\r\n77 1\n"}};
  std::mt19937 random(20240607);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  std::size_t parsed = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 6000; ++round) {
    const auto& [name, original] = seeds[below(seeds.size())];
    std::string bytes = original;
    for (std::size_t flips = below(4); flips > 0; --flips) {
      bytes[below(bytes.size())] = static_cast<char>(below(256));
    }
    if (below(4) == 0) bytes.resize(below(bytes.size() + 1));
    if (below(8) == 0) bytes.insert(below(bytes.size() + 1), std::string(1 + below(9), '9'));
    const std::string path = folder.put(name, bytes);
    for (const int reader : {0, 1, 2}) {
      try {
        if (reader == 0) MatrixFile::open(path).read_all();
        if (reader == 1) maxdot::read_ids(path);
        if (reader == 2) maxdot::read_id_pairs(path);
        ++parsed;
      } catch (const Error& error) {
        ++refused;
        const std::string message = error.what();
        if (!message.starts_with(path) || message.find('\n') != std::string::npos) FAIL_CHECK(message);
      }
    }
  }
  CHECK(parsed > 1000);
  CHECK(refused > 1000);
}

TEST_CASE("base: InputFile and MappedFile") {
  const Folder folder;
  InputFile file(folder.put("a", "0123456789"));
  CHECK(file.size() == 10);
  std::string part(4, ' ');
  file.read_at(3, part.data(), 4);
  CHECK(part == "3456");
  check_refused([&] { file.read_at(8, part.data(), 4); }, ErrorCode::bad_format, folder / "a",
                "ends at byte 10");
  check_refused([&] { file.read_at(~std::uint64_t{0}, part.data(), 4); }, ErrorCode::bad_format, folder / "a",
                "ends");
  MappedFile first(file);
  const MappedFile map(std::move(first));
  CHECK(std::string(map.data(), map.data() + map.size()) == "0123456789");
  CHECK(MappedFile(InputFile(folder.put("empty", ""))).size() == 0);
  const InputFile moved(std::move(file));
  moved.read_at(0, part.data(), 4);
  CHECK(part == "0123");
  check_refused([&] { InputFile{std::string()}; }, ErrorCode::io, "(empty path)", "cannot open");
}

TEST_CASE("base: AtomicFile replaces whole files only") {
  const Folder folder;
  const std::string path = folder.put("a", "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const std::string big(3000000, 'b');
  {
    AtomicFile file(path);
    file.write("new", 3);
    file.write(big.data(), big.size());
    AtomicFile moved(std::move(file));
    CHECK(folder.get("a") == "old");
  }
  CHECK(folder.get("a") == "old");
  CHECK(folder.entries() == 1);

  AtomicFile file(path);
  file.write("....", 4);
  file.write_at(1, "ab", 2);  // still in the buffer
  file.write(big.data(), big.size());
  for (int i = 0; i < 3000; ++i) file.write(big.data(), 1000);
  file.write_at(3, "cd", 2);  // long on its way to the disk
  file.write("end", 3);
  CHECK(file.written() == 6000007);
  check_refused([&] { file.write_at(6000006, "xy", 2); }, ErrorCode::invalid_argument, path, "past the bytes");
  file.commit();
  CHECK(folder.get("a") == ".abcd" + std::string(5999999, 'b') + "end");
  CHECK(folder.entries() == 1);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  check_refused([&] { file.write("x", 1); }, ErrorCode::io, path, "no longer");

  const mode_t mask = ::umask(027);
  AtomicFile(folder / "fresh").commit();
  ::umask(mask);
  REQUIRE(::stat((folder / "fresh").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("base: AtomicFile writes through links and refuses what is no file") {
  const Folder folder;
  fs::create_directory(folder / "sub");
  folder.put("sub/real", "old");
  fs::create_symlink("sub/link", folder / "outer");
  fs::create_symlink("real", folder / "sub/link");
  fs::create_symlink("sub/later", folder / "dangling");
  for (const auto& [link, real] : {std::pair{"outer", "sub/real"}, {"dangling", "sub/later"}}) {
    AtomicFile file(folder / link);
    file.write("new", 3);
    file.commit();
    CHECK(fs::is_symlink(folder / link));
    CHECK_FALSE(fs::is_symlink(folder / real));
    CHECK(folder.get(real) == "new");
  }
  fs::create_symlink("loop", folder / "loop");
  const auto refuse = [&](const std::string& path, const char* part) {
    check_refused([&] { AtomicFile file(path); }, ErrorCode::io, path, part);
  };
  refuse(folder / "sub", "is a directory");
  refuse(folder / "no/where", "does not exist; create it first");
  refuse(folder / "new/", "names no file");
  refuse(folder / "sub/real/x", "cannot write");
  refuse(folder / "loop", "cannot write");
  refuse("/dev/full", "not a regular file");
  CHECK(folder.entries() == 4);
}

TEST_CASE("base: AtomicFile keeps the old file when the disk refuses") {
  const Folder folder;
  const std::string path = folder.put("a", "old");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // a limit on file size stands for a full disk
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    int failures = 0;
    const std::string big(1 << 19, 'x');
    for (const bool at_commit : {false, true}) {
      AtomicFile file(path);
      limit.rlim_cur = 65536;
      ::setrlimit(RLIMIT_FSIZE, &limit);
      try {
        for (int i = 0; i < (at_commit ? 1 : 5); ++i) file.write(big.data(), big.size());
        if (at_commit) file.commit();
      } catch (const Error& error) {
        if (error.code() == ErrorCode::io && std::string(error.what()).starts_with(path)) ++failures;
      }
      limit.rlim_cur = before;
      ::setrlimit(RLIMIT_FSIZE, &limit);
      try {
        file.commit();  // there is room again, but this would publish a file with a hole
      } catch (const Error&) {
        ++failures;
      }
    }
    ::_exit(failures);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 4);
  CHECK(folder.get("a") == "old");
  CHECK(folder.entries() == 1);
}
