// What a forked child must not use: it has threads of its own, which are not in the child.
#pragma once

#include <unistd.h>

#include <memory>
#include <utility>

#include "maxdot/error.hpp"
#include "without_gil.hpp"

namespace maxdot::python {

template <class Held>
class OfProcess {
 public:
  explicit OfProcess(std::unique_ptr<Held> held) noexcept
      : held_(std::move(held)), process_(::getpid()) {}
  OfProcess(OfProcess&&) noexcept = default;
  OfProcess& operator=(OfProcess&&) = delete;
  /// Requires the GIL.
  ~OfProcess() {
    if (held_ == nullptr) return;
    // In a child nothing could end its threads.
    if (::getpid() != process_) {
      static_cast<void>(held_.release());
      return;
    }
    const WithoutGil released;
    held_.reset();
  }

  /// Throws Error (unsupported) with this text in a forked child.
  Held& here(const char* in_child) const {
    if (::getpid() != process_) throw Error(ErrorCode::unsupported, in_child);
    return *held_;
  }

 private:
  std::unique_ptr<Held> held_;
  pid_t process_;
};

}  // namespace maxdot::python
