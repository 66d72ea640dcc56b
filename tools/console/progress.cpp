#include "console/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

namespace maxdot::tools {
namespace {

// [seconds] Between two drawings, and between two lines. A drawing is due at once.
constexpr double drawing_interval = 0.2;
constexpr double line_interval = 30.0;

double tenths(double value) { return std::round(value * 10.0) / 10.0; }

}  // namespace

Pace pace_of(std::uint64_t before, std::uint64_t done, std::uint64_t total, double seconds) {
  Pace pace{done, total};
  if (done <= before || !(seconds > 0)) return pace;
  pace.per_second = static_cast<double>(done - before) / seconds;
  pace.seconds_left = static_cast<double>(total - std::min(done, total)) / pace.per_second;
  return pace;
}

std::string progress_text(const std::string& verb, const std::string& unit, const Pace& pace) {
  std::string line =
      verb + " " + with_thousands(pace.done) + " of " + with_thousands(pace.total) + " " + unit;
  if (pace.per_second <= 0) return line;
  const double share = static_cast<double>(pace.done) / static_cast<double>(pace.total);
  std::array<char, 32> percent{};
  std::snprintf(percent.data(), percent.size(), "  %.1f %%  ", 100.0 * share);
  return line + percent.data() +
         with_thousands(static_cast<std::uint64_t>(std::llround(pace.per_second))) + "/s  " +
         clock_time(pace.seconds_left) + " left";
}

Json progress_event(const std::string& unit, const Pace& pace) {
  const bool known = pace.per_second > 0;
  return {{"event", "progress"},
          {unit, pace.done},
          {"of", pace.total},
          {unit + "_per_second", known ? Json(tenths(pace.per_second)) : Json()},
          {"seconds_left", known ? Json(tenths(pace.seconds_left)) : Json()}};
}

Progress::Progress(std::string verb, std::string unit, std::uint64_t total, Form form,
                   std::uint64_t before)
    : verb_(std::move(verb)),
      unit_(std::move(unit)),
      total_(total),
      before_(before),
      form_(form),
      on_terminal_(isatty(STDERR_FILENO) == 1),
      last_told_(on_terminal_ ? -drawing_interval : 0.0) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void Progress::update(std::uint64_t done) {
  const double elapsed = watch_.seconds();
  if (elapsed - last_told_ < (on_terminal_ ? drawing_interval : line_interval)) return;
  last_told_ = elapsed;
  const Pace pace = pace_of(before_, done, total_, elapsed);
  if (on_terminal_) {
    drawn_ = true;
    std::fprintf(stderr, "\r%s\033[K", progress_text(verb_, unit_, pace).c_str());
  } else if (form_ == Form::json) {
    print_event(progress_event(unit_, pace));
  } else {
    print_notice(progress_text(verb_, unit_, pace));
  }
}

}  // namespace maxdot::tools
