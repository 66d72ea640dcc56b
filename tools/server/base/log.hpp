// The log: one JSON object a line, on stderr.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace maxdot::server {

enum class Level { debug, info, warn, error };

/// Of "debug", "info", "warn", "error". Requires one of them.
Level level_of(std::string_view name);

/// Safe from any number of threads.
class Log {
 public:
  using Fields = nlohmann::ordered_json;

  explicit Log(Level lowest) noexcept : lowest_(lowest) {}

  bool shows(Level level) const noexcept { return level >= lowest_; }
  /// A line with the time, the level, the event and the fields. A line that cannot be written, or
  /// for which there is no memory, is lost.
  void write(Level level, std::string_view event, const Fields& fields = Fields::object()) noexcept;

 private:
  Level lowest_;
};

}  // namespace maxdot::server
