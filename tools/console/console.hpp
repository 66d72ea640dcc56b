// What a command says: data on stdout, progress on stderr, and numbers that people can read.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maxdot::tools {

/// JSON with the keys in the order of insertion, so that output is stable.
using Json = nlohmann::ordered_json;

/// Writes to stdout. Throws Failure (io) if it cannot, except that a reader who has gone away (`|
/// head`) is no failure: the rest of the output is dropped.
void print(std::string_view text);

/// One JSON document and a newline. NaN and infinities become null.
void print_json(const Json& document);

/// Pushes buffered output out; main calls it last. Throws as `print`.
void flush_output();

/// The one line of an error, control characters replaced so that a strange file name cannot break
/// it.
void print_error(std::string_view message) noexcept;

std::string with_thousands(std::uint64_t number);  // 1,234,567
std::string human_bytes(std::uint64_t bytes);      // 1.5 GiB
std::string human_seconds(double seconds);         // 850 us, 12.3 ms, 4.56 s, 2:05, 1:02:05
std::string human_score(double score);  // nine significant digits: tells f32 values apart
std::string printable(
    std::string_view text);  // control characters replaced, for a table or a message

/// Prints "name  value" lines, the values in one column.
void print_fields(const std::vector<std::pair<std::string, std::string>>& fields);

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// A line on stderr that shows how far a long command is: share done, rate, and time left. Silent
/// unless stderr is a terminal. The destructor wipes the line, so an error message starts on a
/// clean one.
class Progress {
 public:
  /// `verb` and `unit` as in "scoring 12,000 of 1,000,000 users".
  Progress(std::string verb, std::string unit, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// `done` of the total are finished. Cheap: draws a few times a second at most.
  void update(std::uint64_t done);

 private:
  std::string verb_;
  std::string unit_;
  std::uint64_t total_;
  bool enabled_;
  bool drawn_ = false;
  double last_drawn_ = -1.0;
  Stopwatch watch_;
};

}  // namespace maxdot::tools
