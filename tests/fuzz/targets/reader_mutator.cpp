// How inputs of fuzz_readers become others: files that are right, headers whose text is changed and
// whose length is right again, and the words that the readers of text look for.

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "reader_input.hpp"

namespace fuzz {
namespace {

constexpr std::size_t kNpyPrefix = 8;  // [bytes] magic and format

constexpr const char* kHeaderWords[] = {"'descr': ",
                                        "'fortran_order': ",
                                        "'shape': ",
                                        "'<f4'",
                                        "'<f2'",
                                        "'<i8'",
                                        "'<i4'",
                                        "'>f4'",
                                        "[('a', '<f4')]",
                                        "True",
                                        "False",
                                        "(3, 4)",
                                        "(2,)",
                                        "()",
                                        "(1, 2, 3)",
                                        "(18446744073709551615, 4)",
                                        "(4611686018427387904, 4)",
                                        "(99999999999999999999, 1)",
                                        "(0, 4)",
                                        "(4, 0)",
                                        "(-1, 4)",
                                        "{",
                                        "}",
                                        "(",
                                        ")",
                                        ", ",
                                        "\\'",
                                        "L",
                                        "\n"};

constexpr const char* kTextWords[] = {"\n",
                                      "\r\n",
                                      "\r",
                                      ",",
                                      ";",
                                      "\t",
                                      " ",
                                      "0",
                                      "1",
                                      "-1",
                                      "+7",
                                      "007",
                                      "1.0",
                                      "1e3",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "-9223372036854775808",
                                      "18446744073709551616",
                                      "user_id",
                                      "item_id",
                                      "user",
                                      "item",
                                      "query",
                                      "row",
                                      "\"",
                                      "'",
                                      "\"User ID\"",
                                      "#",
                                      "\xef\xbb\xbf",
                                      "\xff\xfe",
                                      "nan",
                                      "NULL",
                                      "index",
                                      "userIdx",
                                      "itemidx"};

template <std::size_t N>
std::string_view word(Random& random, const char* const (&words)[N]) {
  return words[random.below(N)];
}

void put(Bytes& bytes, const void* data, std::size_t size) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  bytes.insert(bytes.end(), from, from + size);
}

template <typename T>
Bytes values(Random& random, std::size_t count) {
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const T value = static_cast<T>(random.below(50));
    put(bytes, &value, sizeof value);
  }
  return bytes;
}

Bytes of_text(const std::string& text) { return {text.begin(), text.end()}; }

std::string header_text(const char* descr, const std::string& shape) {
  return std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': " + shape +
         ", }";
}

Bytes fresh_npy(Random& random, Reader reader) {
  const std::size_t rows = random.below(8);
  const std::size_t cols = 1 + random.below(6);
  const auto major = static_cast<std::uint8_t>(1 + random.below(3));
  const std::string matrix = "(" + std::to_string(rows) + ", " + std::to_string(cols) + ")";
  if (reader == Reader::ids_npy) {
    const std::string shape = "(" + std::to_string(rows) + ",)";
    return random.one_in(2)
               ? npy_file(header_text("<i8", shape), major, values<std::int64_t>(random, rows))
               : npy_file(header_text("<i4", shape), major, values<std::int32_t>(random, rows));
  }
  if (reader == Reader::pairs_npy) {
    const std::string shape = "(" + std::to_string(rows) + ", 2)";
    return random.one_in(2)
               ? npy_file(header_text("<i8", shape), major, values<std::int64_t>(random, rows * 2))
               : npy_file(header_text("<i4", shape), major, values<std::int32_t>(random, rows * 2));
  }
  return random.one_in(3)
             ? npy_file(header_text("<f2", matrix), major,
                        values<std::uint16_t>(random, rows * cols))
             : npy_file(header_text("<f4", matrix), major, values<float>(random, rows * cols));
}

std::string fresh_pairs(Random& random) {
  std::string text;
  const std::string_view between = random.pick<const char*>({",", ";", "\t", " "});
  if (random.one_in(2)) text = std::string("user_id") + std::string(between) + "item_id\n";
  for (std::size_t lines = random.below(12); lines > 0; --lines) {
    text += std::to_string(random.below(100)) + std::string(between) +
            std::to_string(random.below(100)) + (random.one_in(4) ? "\r\n" : "\n");
  }
  return text;
}

// The text of the header is changed; its length is right again, most of the time.
void change_npy(Random& random, Bytes& file) {
  if (file.size() < kNpyPrefix + 2) return mutate_freely(file, file.size() + 64);
  const std::uint8_t major = file[6];
  const std::size_t begin = kNpyPrefix + (major == 1 ? 2 : 4);
  if (file.size() < begin) return mutate_freely(file, file.size() + 64);
  const std::size_t told = major == 1 ? read_at<std::uint16_t>(file, kNpyPrefix)
                                      : read_at<std::uint32_t>(file, kNpyPrefix);
  const std::size_t end = begin + std::min(told, file.size() - begin);
  std::string text(file.begin() + static_cast<std::ptrdiff_t>(begin),
                   file.begin() + static_cast<std::ptrdiff_t>(end));
  const std::size_t at = random.below(text.size() + 1);
  const std::size_t length = std::min(text.size() - at, random.below(20));
  text.replace(at, random.one_in(2) ? length : 0, word(random, kHeaderWords));
  const Bytes data(file.begin() + static_cast<std::ptrdiff_t>(end), file.end());
  file =
      npy_file(text, random.one_in(6) ? static_cast<std::uint8_t>(random.below(5)) : major, data);
}

void change_text(Random& random, Bytes& file) {
  const std::size_t at = random.below(file.size() + 1);
  const std::string_view put_in = word(random, kTextWords);
  const auto place = file.begin() + static_cast<std::ptrdiff_t>(at);
  if (random.one_in(4)) {
    file.erase(place, place + static_cast<std::ptrdiff_t>(
                                  std::min<std::size_t>(random.below(6), file.size() - at)));
  } else {
    file.insert(place, put_in.begin(), put_in.end());
  }
}

// The whole numbers that sizes are told by stand at the beginning.
void change_vecs(Random& random, Bytes& file) {
  if (file.size() < 8) return mutate_freely(file, file.size() + 64);
  const std::size_t at = random.one_in(2) ? random.below(2) * 4 : random.below(file.size() / 4) * 4;
  if (at + 4 > file.size()) return;
  write_at(std::span(file), at,
           static_cast<std::uint32_t>(nasty_integer(random, read_at<std::uint32_t>(file, at))));
}

void change(Random& random, Reader reader, Bytes& file, std::size_t most) {
  if (random.one_in(4)) return mutate_freely(file, most);
  switch (reader) {
    case Reader::matrix_fvecs:
    case Reader::matrix_fbin:
      return change_vecs(random, file);
    case Reader::ids_text:
    case Reader::pairs_text:
    case Reader::columns:
      return change_text(random, file);
    default:
      return change_npy(random, file);
  }
}

}  // namespace

Bytes npy_file(const std::string& text, std::uint8_t major, const Bytes& data) {
  Bytes file = of_text("\x93NUMPY");
  file.push_back(major);
  file.push_back(0);
  for (std::size_t i = 0; i < (major == 1 ? 2U : 4U); ++i)
    file.push_back(static_cast<std::uint8_t>(text.size() >> (8 * i)));
  file.insert(file.end(), text.begin(), text.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

Bytes fresh_file(Random& random, Reader reader) {
  switch (reader) {
    case Reader::matrix_fvecs: {
      Bytes file;
      const auto d = static_cast<std::int32_t>(1 + random.below(5));
      for (std::size_t rows = random.below(6); rows > 0; --rows) {
        put(file, &d, sizeof d);
        const Bytes row = values<float>(random, static_cast<std::size_t>(d));
        put(file, row.data(), row.size());
      }
      return file;
    }
    case Reader::matrix_fbin: {
      const auto rows = static_cast<std::uint32_t>(random.below(6));
      const auto d = static_cast<std::uint32_t>(1 + random.below(5));
      Bytes file;
      put(file, &rows, sizeof rows);
      put(file, &d, sizeof d);
      const Bytes all = values<float>(random, std::size_t{rows} * d);
      put(file, all.data(), all.size());
      return file;
    }
    case Reader::ids_text: {
      std::string text;
      for (std::size_t lines = random.below(12); lines > 0; --lines)
        text += std::to_string(random.below(1000)) + "\n";
      return of_text(text);
    }
    case Reader::pairs_text:
      return of_text(fresh_pairs(random));
    case Reader::columns:
      return of_text("user_id\nitem_id\nweight\n");
    default:
      return fresh_npy(random, reader);
  }
}

}  // namespace fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  using namespace fuzz;
  Random random(seed);
  Bytes made(data, data + std::min(size, kReaderPrefix));
  Bytes file(data + made.size(), data + size);
  if (size <= kReaderPrefix || random.one_in(50)) {
    made = {static_cast<std::uint8_t>(random.bits()), static_cast<std::uint8_t>(random.bits())};
    file = fresh_file(random, reader_of(made[0]));
  } else if (random.one_in(16)) {
    damage(random, made);
  } else {
    for (std::size_t times = 1 + random.below(3); times > 0; --times)
      change(random, reader_of(made[0]), file, most - kReaderPrefix);
  }
  made.insert(made.end(), file.begin(), file.end());
  return hand_over(made, data, most);
}
