// ChangeQueue: everything that changes a catalogue passes through it, one after the other: upserts,
// removes, replaces, and what compaction puts in the place of parts.
//
// Whoever comes first leads: it carries out all that has queued up, with one sync of the log for
// all (group commit), publishes one version, and wakes the others. What came meanwhile is the next
// group, led by the first of it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "live/log.hpp"
#include "live/operation.hpp"
#include "live/state.hpp"
#include "maxdot/live_index.hpp"

namespace maxdot::live {

class ChangeQueue {
 public:
  /// Gets each new version, and the bytes of the log that it is in. Must not throw.
  using Publish = std::function<void(std::shared_ptr<const Version>, std::uint64_t log_bytes)>;

  ChangeQueue(State state, LogWriter log, Durability durability, Publish publish);

  /// Returns when the operation is carried out, durable and published. Throws the operation's
  /// Error, or Error (io, out_of_memory): then it was not carried out, unless the message says that
  /// nobody knows.
  void run(Operation& operation);

 private:
  void carry_out(std::vector<Operation*>& group) noexcept;
  bool step(Operation& operation) noexcept;
  void sync(std::span<Operation* const> operations) noexcept;

  State state_;
  LogWriter log_;
  const Durability durability_;
  const Publish publish_;
  std::vector<Operation*> group_;  // of the thread that leads

  std::mutex mutex_;
  // Under the lock:
  std::condition_variable told_;
  std::vector<Operation*> waiting_;
  bool led_ = false;
};

}  // namespace maxdot::live
