#include "answers.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace maxdot::python {

Answers::Answers() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw Error(ErrorCode::io, "batcher: the system refuses an eventfd (" +
                                   std::generic_category().message(errno) +
                                   "); allow the process more open files");
  }
}

Answers::~Answers() { ::close(descriptor_); }

void Answers::put(std::list<Answer>& answer) noexcept {
  const std::lock_guard lock(mutex_);
  const bool first = waiting_.empty();
  waiting_.splice(waiting_.end(), answer);
  if (first) eventfd_write(descriptor_, 1);  // the loop wakes once for all that it finds
}

std::list<Answer> Answers::take() noexcept {
  eventfd_t ignored = 0;
  eventfd_read(descriptor_, &ignored);
  std::list<Answer> taken;
  const std::lock_guard lock(mutex_);
  taken.swap(waiting_);
  return taken;
}

}  // namespace maxdot::python
