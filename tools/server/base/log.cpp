#include "server/base/log.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace maxdot::server {
namespace {

constexpr std::array<const char*, 4> kNames = {"debug", "info", "warn", "error"};

// "2024-05-01T12:00:00.123Z"
std::string now() {
  const auto time = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> day{};
  std::array<char, 96> text{};
  if (std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts) == 0) return "";
  std::snprintf(text.data(), text.size(), "%s.%03dZ", day.data(), static_cast<int>(milliseconds));
  return text.data();
}

}  // namespace

Level level_of(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Level>(i);
  }
  return Level::info;
}

void Log::write(Level level, std::string_view event, const Fields& fields) noexcept {
  if (!shows(level)) return;
  try {
    Fields line = {
        {"time", now()}, {"level", kNames[static_cast<std::size_t>(level)]}, {"event", event}};
    line.update(fields);
    // Paths and what clients send may be any bytes.
    const std::string text = line.dump(-1, ' ', false, Fields::error_handler_t::replace) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);  // stderr is unbuffered: one write
  } catch (const std::exception&) {
    // There is nobody to tell.
  }
}

}  // namespace maxdot::server
