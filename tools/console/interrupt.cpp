#include "console/interrupt.hpp"

#include <atomic>

#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

// What the handler sets, other threads look at: atomics, and lock-free ones, because handlers must
// not wait. It runs on the main thread, the guard's own: the library's threads take no signals.
std::atomic<int> received = 0;
std::atomic<Cancellation*> to_cancel = nullptr;
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<bool>::is_always_lock_free);  // Cancellation
static_assert(std::atomic<Cancellation*>::is_always_lock_free);

extern "C" void note_signal(int signal) {
  received = signal;
  if (Cancellation* const cancellation = to_cancel) cancellation->cancel();
}

}  // namespace

InterruptGuard::InterruptGuard() {
  received = 0;
  to_cancel = &cancellation_;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    if (sigaction(signal, nullptr, &old) != 0 || old.sa_handler == SIG_IGN)
      continue;  // nohup asked for that
    struct sigaction action {};
    action.sa_handler = note_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    if (sigaction(signal, &action, nullptr) == 0) previous_.emplace_back(signal, old);
  }
}

InterruptGuard::~InterruptGuard() {
  for (const auto& [signal, old] : previous_) sigaction(signal, &old, nullptr);
  to_cancel = nullptr;
}

void InterruptGuard::check() const {
  const int signal = received;
  if (signal != 0) throw Interrupted{signal};
}

}  // namespace maxdot::tools
