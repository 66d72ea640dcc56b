// Ending a call before it is done.
#pragma once

#include <atomic>

namespace maxdot {
inline namespace v0_1 {

/// Asks calls to end early. Any thread may ask, and any number of calls may share one. It cannot be
/// taken back: use another one for later calls.
class Cancellation {
 public:
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_ = false;
};

/// When a call shall end early. It then throws Error (cancelled or timeout), never a partial
/// answer; what it has already written into the caller's memory must not be used. It looks every
/// millisecond or so, with rows of 10,000 dimensions and more every 0.1 s. docs/embedding.md names
/// what is done in one piece.
struct StopOptions {
  /// Ends with Error (cancelled) when it is asked to; null: never. Must outlive the call.
  const Cancellation* cancellation = nullptr;
  /// [seconds] From the beginning of the call; then it ends with Error (timeout). 0: no limit.
  double timeout = 0.0;
  /// Asked some 50 times a second, on the calling thread, for a host whose own signals must be
  /// looked for (an interpreter). True ends the call with Error (cancelled). Must not throw; may
  /// call the library.
  bool (*poll)(void* context) = nullptr;
  void* poll_context = nullptr;
};

}  // namespace v0_1
}  // namespace maxdot
