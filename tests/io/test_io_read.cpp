// Embeddings and ids from files: every format, every malformed kind refused by name, mutation fuzz.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "files.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace {

namespace fs = std::filesystem;
using namespace maxdot::test;
using maxdot::DType;
using maxdot::Error;
using maxdot::ErrorCode;
using maxdot::Matrix;
using maxdot::MatrixFile;

const std::vector<float> six = {1, -2, 3.5F, 4, 5, -6};

}  // namespace

TEST_CASE("io: every format of embeddings reads back what was written") {
  const Folder folder;
  for (const char major : {'\1', '\2', '\3'}) {
    const MatrixFile file =
        MatrixFile::open(folder.put("a.npy", npy("'<f4'", "(2, 3)", bytes_of(six), major)));
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
  check_refused([&] { fvecs.read(1, 2, second.data()); }, ErrorCode::invalid_argument,
                folder / "a.fvecs", "rows");

  const MatrixFile half =
      MatrixFile::open(folder.put("h.npy", npy("'<f2'", "(3, 2)", bytes_of(six).substr(0, 12))));
  CHECK(half.dtype() == DType::f16);
  CHECK(std::memcmp(half.read_all().data(), six.data(), 12) == 0);

  CHECK(MatrixFile::open(folder.put("one.npy", npy("'<f4'", "(6,)", bytes_of(six)))).rows() == 1);
  const Matrix none =
      MatrixFile::open(folder.put("none.npy", npy("'<f4'", "(0, 5)", ""))).read_all();
  CHECK(none.rows() == 0);
  CHECK(none.cols() == 5);
  // Spellings that other writers use: other quotes and key order, no comma or newline at the end,
  // Python 2 longs.
  const std::string other = "{\"shape\":(2L,3L),\"fortran_order\":False,\"descr\":\"<f4\"}";
  CHECK(floats(MatrixFile::open(folder.put("o.npy", npy_text(other, bytes_of(six)))).read_all()) ==
        six);
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
           {".npy",
            npy_text("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", bytes_of(six)),
            unsupported, "Fortran"},
           {".npy", npy("'<f8'", "(1, 3)", bytes_of(six)), unsupported,
            "dtype '<f8' (float64) is not supported; convert with x.astype('float32')"},
           {".npy", npy("'>f4'", "(2, 3)", bytes_of(six)), unsupported,
            "'>f4' (big-endian float32)"},
           {".npy", npy("'<i4'", "(2, 3)", bytes_of(six)), unsupported, "(int32)"},
           {".npy", npy("'|u1'", "(2, 12)", bytes_of(six)), unsupported, "(uint8)"},
           {".npy", npy("'|b1'", "(2, 12)", bytes_of(six)), unsupported, "(bool)"},
           {".npy", npy("'<c8'", "(1, 3)", bytes_of(six)), unsupported, "(complex64)"},
           {".npy", npy("'|O'", "(2, 3)", "pickle"), unsupported, "(Python objects)"},
           {".npy", npy("'<U8'", "(2, 3)", ""), unsupported, "(text)"},
           {".npy", npy("'|V2'", "(2, 6)", bytes_of(six)), unsupported, "bfloat16"},
           {".npy", npy("[('a', '<f4'), ('b]', '<i8', (2,))]", "(2,)", ""), unsupported,
            "(structured)"},
           {".npy", npy("'\n\x01 odd'", "(2, 3)", ""), unsupported, "'?? odd'"},
           {".fvecs", "", bad, "does not tell its dimension"},
           {".fvecs", "abc", bad, "too short"},
           {".fvecs", fvecs_row(-3, six), bad, "negative dimension -3"},
           {".fvecs", fvecs_row(0, six), bad, "dimension is 0"},
           {".fvecs", fvecs_row(40000, six), unsupported, "dimension 40000"},
           {".fvecs", fvecs_row(6, six) + "x", bad, "no whole number of rows"},
           {".fvecs", fvecs_row(6, six) + fvecs_row(5, {1, 2, 3, 4, 5}), bad,
            "rows differ in dimension"},
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
    check_refused([&] { MatrixFile::open(folder / name); }, ErrorCode::io, folder / name,
                  "cannot open");
  }
  fs::create_directory(folder / "folder.npy");
  check_refused([&] { MatrixFile::open(folder / "folder.npy"); }, ErrorCode::io,
                folder / "folder.npy", "directory");
  REQUIRE(::mkfifo((folder / "pipe.npy").c_str(), 0600) == 0);
  check_refused([&] { MatrixFile::open(folder / "pipe.npy"); }, ErrorCode::io, folder / "pipe.npy",
                "regular");
}

TEST_CASE("io: a file that shrinks after it was opened is an error, not garbage") {
  const Folder folder;
  const MatrixFile file = MatrixFile::open(folder.put("a.fbin", fbin(2, 3, six)));
  fs::resize_file(folder / "a.fbin", 20);
  check_refused([&] { file.read_all(); }, ErrorCode::bad_format, folder / "a.fbin",
                "12 bytes too early");
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
  CHECK(maxdot::read_ids(folder.put("u1.npy", npy("'|u1'", "(2,)", "\x01\xff"))) == Ids{1, 255});
  CHECK(maxdot::read_ids(folder.put("i1.npy", npy("'|i1'", "(2,)", "\x01\xff"))) == Ids{1, -1});
  CHECK(maxdot::read_ids(folder.put("u2.npy", npy("'<u2'", "(1,)", "\x01\xff"))) == Ids{0xff01});
  CHECK(maxdot::read_ids(folder.put("i2.npy", npy("'<i2'", "(1,)", "\x01\xff"))) == Ids{-255});
  CHECK(maxdot::read_ids(folder.put("u4.npy", npy("'<u4'", "(1,)", "\xff\xff\xff\xff"))) ==
        Ids{4294967295});
  CHECK(maxdot::read_ids(folder.put("u8.npy", npy("'<u8'", "(3,)", bytes_of(ids)))) == ids);
  for (const char* text : {"7\n0\n9007199254740993\n", "7\r\n 0\t\r\n9007199254740993",
                           "7\n0\n9007199254740993\n\n \n"}) {
    CHECK(maxdot::read_ids(folder.put("ids.txt", text)) == ids);
  }
  for (const char* header : {"item_id\n", "\xef\xbb\xbfid\n", " Movie ID \r\n", "\"id\"\n"}) {
    CAPTURE(header);
    CHECK(maxdot::read_ids(folder.put("ids.csv", header + std::string("7\n0\n9007199254740993"))) ==
          ids);
  }
  CHECK(maxdot::read_ids(folder.put("ids.csv", "id\n")).empty());
  CHECK(maxdot::read_ids(folder.put("ids.txt",
                                    "\xEF\xBB\xBF"
                                    "5\n6\n")) == Ids{5, 6});
  CHECK(maxdot::read_ids(folder.put("ids.txt", "")).empty());
  CHECK(maxdot::read_ids(folder.put("ids.txt", "-1\n9223372036854775807")) ==
        Ids{-1, 9223372036854775807});
  std::string many;  // lines that straddle the read buffer
  Ids expected;
  for (std::int64_t i = 0; i < 400000; ++i) {
    many += std::to_string(i) + "\n";
    expected.push_back(i);
  }
  CHECK(maxdot::read_ids(folder.put("many.txt", many)) == expected);

  const auto refuse = [&](const char* name, const std::string& bytes, ErrorCode code,
                          const char* part) {
    const std::string path = folder.put(name, bytes);
    check_refused([&] { maxdot::read_ids(path); }, code, path, part);
  };
  refuse("x.txt", "7e3\n1\n", ErrorCode::bad_format, "line 1: '7e3'");
  refuse("x.txt", "-x\n1\n", ErrorCode::bad_format, "line 1: '-x'");
  refuse("x.txt", "???\n1\n", ErrorCode::bad_format, "line 1");
  refuse("x.txt", "id\nname\n1\n", ErrorCode::bad_format, "line 2: 'name'");
  refuse("x.npy", npy("'<u8'", "(1,)", std::string(8, '\xff')), ErrorCode::invalid_data,
         "row 0 is 18446744073709551615, which exceeds int64");
  refuse("x.npy", npy("'|b1'", "(2,)", std::string(2, '\1')), ErrorCode::unsupported, "(bool)");
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
  check_refused([&] { maxdot::read_ids(folder / "no.txt"); }, ErrorCode::io, folder / "no.txt",
                "cannot open");
}

TEST_CASE("io: masks from arrays of bools and integers, and from text") {
  const Folder folder;
  const std::vector<std::uint8_t> mask = {1, 0, 1};
  for (const char* descr : {"'|b1'", "'|u1'", "'|i1'"})
    CHECK(maxdot::read_mask(folder.put("m.npy", npy(descr, "(3,)", bytes_of(mask)))) == mask);
  const std::vector<std::int64_t> wide = {1, 0, 1};
  CHECK(maxdot::read_mask(folder.put("m.npy", npy("'<i8'", "(3,)", bytes_of(wide)))) == mask);
  const std::vector<std::uint16_t> narrow = {1, 0, 1};
  CHECK(maxdot::read_mask(folder.put("m.npy", npy("'<u2'", "(3,)", bytes_of(narrow)))) == mask);
  CHECK(maxdot::read_mask(folder.put("m.txt", "1\n0\n1\n")) == mask);
  CHECK(maxdot::read_mask(folder.put("m.csv", "in_stock\n1\n0\n1\n")) == mask);
  const auto refuse = [&](const char* name, const std::string& bytes, ErrorCode code,
                          const char* part) {
    const std::string path = folder.put(name, bytes);
    check_refused([&] { (void)maxdot::read_mask(path); }, code, path, part);
  };
  refuse("m.npy", npy("'|b1'", "(3,)", "\1\2\1"), ErrorCode::invalid_data, "row 1 is 2");
  refuse("m.txt", "1\n-1\n", ErrorCode::invalid_data, "row 1 is -1");
  refuse("m.npy", npy("'<f4'", "(3,)", std::string(12, '\0')), ErrorCode::unsupported, "float32");
  refuse("m.npy", npy("'|b1'", "(3, 1)", bytes_of(mask)), ErrorCode::unsupported, "x.reshape(-1)");
  refuse("m.npy", npy("'|b1'", "(4,)", bytes_of(mask)), ErrorCode::bad_format, "cut short");
  check_refused([&] { (void)maxdot::read_mask(folder / "no.npy"); }, ErrorCode::io,
                folder / "no.npy", "cannot open");
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
    for (const int reader : {0, 1, 2, 3}) {
      try {
        if (reader == 0) MatrixFile::open(path).read_all();
        if (reader == 1) maxdot::read_ids(path);
        if (reader == 2) maxdot::read_id_pairs(path);
        if (reader == 3) (void)maxdot::read_mask(path);
        ++parsed;
      } catch (const Error& error) {
        ++refused;
        const std::string message = error.what();
        if (!message.starts_with(path) || message.find('\n') != std::string::npos)
          FAIL_CHECK(message);
      }
    }
  }
  CHECK(parsed > 1000);
  CHECK(refused > 1000);
}
