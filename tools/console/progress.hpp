// How far a long command is, told on stderr.
#pragma once

#include <cstdint>
#include <string>

#include "console/console.hpp"

namespace maxdot::tools {

/// What a command that works prints: sentences, or JSON (--json).
enum class Form { text, json };

/// How far some work is, and how fast it went.
struct Pace {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  double per_second = 0;    ///< 0: not known yet
  double seconds_left = 0;  ///< at this speed
};

/// `done` of `total`, of which `before` were done when the work began, `seconds` ago.
Pace pace_of(std::uint64_t before, std::uint64_t done, std::uint64_t total, double seconds);

/// "scoring 12,000 of 1,000,000 users  1.2 %  400/s  41:10 left"
std::string progress_text(const std::string& verb, const std::string& unit, const Pace& pace);

/// {"event": "progress", "users": 12000, "of": 1000000, "users_per_second": 400.0, "seconds_left":
/// 2470.0}
Json progress_event(const std::string& unit, const Pace& pace);

/// Shows how far a long command is. On a terminal it draws one line again and again, and the
/// destructor wipes that, so an error message starts on a clean one. Elsewhere, as in the log of a
/// job, it prints a line every 30 seconds: a sentence, or with Form::json an event.
class Progress {
 public:
  /// `verb` and `unit` as in "scoring 12,000 of 1,000,000 users". `before` of the total are done
  /// already.
  Progress(std::string verb, std::string unit, std::uint64_t total, Form form,
           std::uint64_t before = 0);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// `done` of the total are finished. Cheap, so that one may call it often.
  void update(std::uint64_t done);

 private:
  std::string verb_;
  std::string unit_;
  std::uint64_t total_;
  std::uint64_t before_;
  Form form_;
  bool on_terminal_;
  bool drawn_ = false;
  double last_told_;  // [seconds]
  Stopwatch watch_;
};

}  // namespace maxdot::tools
