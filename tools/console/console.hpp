// What a command says: data on stdout, progress on stderr, and numbers that people can read.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maxdot::tools {

/// JSON with the keys in the order of insertion, so that output is stable. Who makes some includes
/// nlohmann/json.hpp, which takes seconds to compile.
using Json = nlohmann::ordered_json;

/// Writes to stdout. Throws Failure (io) if it cannot, except that a reader who has gone away (`|
/// head`) is no failure: the rest of the output is dropped.
void print(std::string_view text);

/// One JSON document and a newline. NaN and infinities become null.
void print_json(const Json& document);

/// Whether `print_json` was called: stdout holds one document, so an error after it adds none.
bool has_printed_json() noexcept;

/// A JSON object on a line of stderr: what a command with --json tells while it works.
void print_event(const Json& event);

/// A line on stderr, after "maxdot: ": what a command without --json tells while it works.
void print_notice(std::string_view message);

/// Pushes buffered output out; main calls it last. Throws as `print`.
void flush_output();

/// The one line of an error, control characters replaced so that a strange file name cannot break
/// it.
void print_error(std::string_view message) noexcept;

std::string with_thousands(std::uint64_t number);  // 1,234,567
std::string human_bytes(std::uint64_t bytes);      // 1.5 GiB
std::string clock_time(double seconds);            // 2:05, 1:02:05
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

}  // namespace maxdot::tools
