// Operation: one change of a catalogue on its way through the queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "live/log.hpp"
#include "live/record.hpp"
#include "live/state.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {

class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // By the queue, one operation after the other:

  /// All that may fail but the writing of the record. Throws Error, std::bad_alloc.
  virtual void prepare(State& state, LogWriter& log) = 0;
  /// What the log is to hold of it; null: nothing, the items stay the same.
  virtual RecordBytes* record() noexcept { return nullptr; }
  /// Requires prepare(), and that the record is written.
  virtual void apply(State& state, LogWriter& log) noexcept = 0;

  /// Of the queue.
  struct Progress {
    bool done = false;
    bool leads = false;
    std::optional<Error> error;
  };
  Progress progress;

 protected:
  Operation() = default;
  ~Operation() = default;
};

}  // namespace maxdot::live
