#include "console/console.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

bool reader_gone = false;
bool json_printed = false;
std::string unwritten;  // printed

// The C library's streams give up where a signal interrupts a write.
void write_output() {
  std::string_view left = unwritten;
  while (!left.empty() && !reader_gone) {
    const ssize_t done = write(STDOUT_FILENO, left.data(), left.size());
    if (done > 0) {
      left.remove_prefix(static_cast<std::size_t>(done));
      continue;
    }
    if (done < 0 && errno == EINTR) continue;
    const int error_number = done < 0 ? errno : EIO;
    reader_gone = true;  // one report is enough: main still flushes on its way out
    // A reader who left is no failure, a disk that is full is.
    if (error_number == EPIPE) break;
    throw io_failure("standard output", "write", error_number, "check where it is redirected to");
  }
  unwritten.clear();
}

template <typename... Args>
std::string formatted(const char* format, Args... args) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, args...);
  return std::string(buffer.data(), static_cast<std::size_t>(std::max(length, 0)));
}

}  // namespace

void print(std::string_view text) {
  if (reader_gone) return;
  static const bool terminal = isatty(STDOUT_FILENO) == 1;
  unwritten += text;
  if (terminal || unwritten.size() >= kBufferBytes) write_output();
}

void print_json(const Json& document) {
  json_printed = true;
  // Paths may be any bytes; a replaced character beats a document that cannot be written.
  print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

bool has_printed_json() noexcept { return json_printed; }

void print_event(const Json& event) {
  std::fputs((event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n").c_str(), stderr);
}

void print_notice(std::string_view message) {
  std::fputs(("maxdot: " + printable(message) + "\n").c_str(), stderr);
}

void flush_output() { write_output(); }

void print_error(std::string_view message) noexcept {
  try {
    const std::string line = "maxdot: error: " + printable(message) + "\n";
    std::fputs(line.c_str(), stderr);
  } catch (...) {
    std::fputs("maxdot: error: out of memory\n", stderr);
  }
}

std::string with_thousands(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr std::array<const char*, 6> units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024.0;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < units.size()) {
    value /= 1024.0;
    ++unit;
  }
  return formatted("%.1f %s", value, units[unit]);
}

std::string clock_time(double seconds) {
  const auto total = static_cast<unsigned long long>(seconds + 0.5);
  if (total >= 3600)
    return formatted("%llu:%02llu:%02llu", total / 3600, total / 60 % 60, total % 60);
  return formatted("%llu:%02llu", total / 60, total % 60);
}

std::string human_seconds(double seconds) {
  if (seconds < 0.9995e-3) return formatted("%.0f us", seconds * 1e6);
  if (seconds < 0.9995) return formatted("%.3g ms", seconds * 1e3);
  if (seconds < 99.5) return formatted("%.3g s", seconds);
  return clock_time(seconds);
}

std::string human_score(double score) { return formatted("%.9g", score); }

std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return result;
}

void print_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t width = 0;
  for (const auto& [name, value] : fields) width = std::max(width, name.size());
  for (const auto& [name, value] : fields) {
    print(name + std::string(width - name.size() + 2, ' ') + value + "\n");
  }
}

}  // namespace maxdot::tools
