// ThreadSlot: an object that a thread keeps for itself, freed when the thread ends.
//
// A thread_local with a destructor would do the same. But where the C library finds no memory to
// register the destructor, it ends the process.
#pragma once

#include <pthread.h>

#include <memory>

namespace maxdot::base {

/// Lives as long as the process. Without a key of the system (some 1,000 in a process) nothing is
/// kept.
template <typename T>
class ThreadSlot {
 public:
  ThreadSlot() noexcept : made_(pthread_key_create(&key_, &destroy) == 0) {}
  ThreadSlot(const ThreadSlot&) = delete;
  ThreadSlot& operator=(const ThreadSlot&) = delete;

  /// What this thread keeps, or null.
  T* get() const noexcept { return made_ ? static_cast<T*>(pthread_getspecific(key_)) : nullptr; }

  /// Keeps `object` in the place of what was kept. Returns false, and keeps nothing, if there is no
  /// memory for it.
  bool keep(std::unique_ptr<T> object) const noexcept {
    const std::unique_ptr<T> before = take();
    if (!made_ || pthread_setspecific(key_, object.get()) != 0) return false;
    static_cast<void>(object.release());
    return true;
  }

  /// What was kept is the caller's.
  std::unique_ptr<T> take() const noexcept {
    std::unique_ptr<T> kept(get());
    // What has a place needs no memory to be replaced.
    if (kept != nullptr) static_cast<void>(pthread_setspecific(key_, nullptr));
    return kept;
  }

 private:
  static void destroy(void* object) noexcept { delete static_cast<T*>(object); }

  pthread_key_t key_ = 0;
  bool made_;
};

}  // namespace maxdot::base
