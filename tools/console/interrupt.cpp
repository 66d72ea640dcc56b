#include "console/interrupt.hpp"

#include <atomic>

#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

// The handler runs on whatever thread the signal meets, and the main thread looks: an atomic, and a
// lock-free one, because handlers must not wait.
std::atomic<int> received = 0;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int signal) { received = signal; }

}  // namespace

InterruptGuard::InterruptGuard() {
  received = 0;
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
}

void InterruptGuard::check() const {
  const int signal = received;
  if (signal != 0) throw Interrupted{signal};
}

}  // namespace maxdot::tools
